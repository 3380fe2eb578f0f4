"""What a metric prints stays with it; what other threads write meanwhile goes where they meant it to go."""

from __future__ import annotations

import sys
import threading

import pytest

from bidviz_core.metrics.printing import KEPT, PrintCatcher


def in_another_thread(work: object) -> None:
    thread = threading.Thread(target=work, name="another", daemon=True)  # type: ignore[arg-type]
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_output_and_error_of_another_thread_stay_apart(capsys: pytest.CaptureFixture[str]) -> None:
    catcher = PrintCatcher()
    catcher.start()
    print("mine")
    print("mine too", file=sys.stderr)

    def other() -> None:
        print("out")
        sys.stderr.write("error\n")
        sys.stderr.writelines(["one\n", "two\n"])
        sys.stdout.flush()
        assert sys.stdout.isatty() is False
        assert sys.stdout.encoding == below.encoding

    below = catcher.outputs[0]
    in_another_thread(other)
    assert catcher.stop() == "mine\nmine too\n"
    assert capsys.readouterr() == ("out\n", "error\none\ntwo\n")


def test_a_stream_that_another_thread_holds_still_writes_when_the_metric_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    catcher = PrintCatcher()
    catcher.start()
    held = sys.stdout, sys.stderr  # as print holds it, between finding it and writing
    assert catcher.stop() == ""
    in_another_thread(lambda: held[0].write("late\n"))
    held[1].write("and from the same thread\n")
    assert capsys.readouterr() == ("late\n", "and from the same thread\n")


def test_the_bytes_below_are_no_metrics() -> None:
    catcher = PrintCatcher()
    catcher.start()
    try:
        assert not hasattr(sys.stdout, "buffer")
        assert sys.stdout.writable()
        found: list[object] = []
        in_another_thread(lambda: found.append(sys.stdout.fileno))
        assert found
    finally:
        catcher.stop()


def test_much_is_cut_and_counted() -> None:
    catcher = PrintCatcher()
    catcher.start()
    for _ in range(3):
        print("x" * KEPT, end="")
    assert catcher.stop() == f"{'x' * KEPT}… ({3 * KEPT:,} characters in all)"
