"""What lines print and show goes to their person alone, while they run, and within bounds."""

from __future__ import annotations

import base64
import io
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bidviz_core.console import output
from bidviz_core.console.output import Output, without_colours

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_text_comes_while_the_line_runs(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    main["gate"] = gate = threading.Event()
    number = training.line("print('early')\ngate.wait(60)\nprint('late')", "service", "cell")
    training.wait(lambda: training.printed("cell") == "early\n")
    gate.set()
    assert training.answer(number).data == "early\nlate\n"
    assert training.printed("cell") == "early\nlate\n"
    assert {one.id for one in training.messages("cell")} == {number}
    assert {one.run for one in training.messages("cell")} == {training.session.id}


def test_each_threads_text_goes_its_own_way_at_the_same_time(
    watched: Callable[..., Any], main: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    training = watched()
    training.session.metrics.add("print('of the metric')\nreturn 1.0", name="talker")
    main["gate"] = gate = threading.Event()
    printing = "import sys\nfor n in range(200):\n    print('mine', n)\n    sys.stderr.write('wrong\\n')\n"
    code = printing + "gate.wait(60)\nprint('end')"
    number = training.line(code, "service", "cell")
    for step in range(50):
        print("the training's", step)
        training.run()
    training.wait(lambda: "mine 199" in training.printed("cell"))
    at_boundary = training.do("print('at the boundary')", "other")
    gate.set()
    assert training.answer(number).data.endswith("end\n")
    assert at_boundary.data == "at the boundary\n"
    said = capsys.readouterr().out
    assert said == "".join(f"the training's {step}\n" for step in range(50))
    assert training.printed("cell") == "".join(f"mine {n}\n" for n in range(200)) + "end\n"
    assert training.printed("cell", "stderr") == "wrong\n" * 200
    assert training.printed("other") == "at the boundary\n"
    assert "of the metric" in training.session.engine.slots["talker"].printed


def test_the_streams_are_the_scripts_again(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    streams = sys.stdout, sys.stderr, sys.stdin, sys.displayhook
    main["gate"] = gate = threading.Event()
    number = training.line("gate.wait(60)", "service", "cell")
    training.session.console.run("1 / 0")
    assert sys.stdout is not streams[0]  # the other line runs still
    gate.set()
    training.answer(number)
    assert (sys.stdout, sys.stderr, sys.stdin, sys.displayhook) == streams


def test_a_stream_that_the_script_puts_over_ours_stays(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    main["gate"] = gate = threading.Event()
    number = training.line("print('a')\ngate.wait(60)", "service", "cell")
    training.wait(lambda: training.printed("cell"))
    below = sys.stdout
    sys.stdout = log = io.StringIO()
    try:
        gate.set()
        training.answer(number)
        assert sys.stdout is log
        assert training.session.console.run("print('b')").text == "b\n"
        assert sys.stdout is log
    finally:
        sys.stdout = below
    print(end="")  # what is left of ours passes it on
    training.session.console.run("1")


def test_megabytes_are_cut_and_that_is_said(watched: Callable[..., Any]) -> None:
    training = watched()
    training.do("for n in range(30):\n    print('x' * 99_999)", "cell")
    sent = training.printed("cell")
    assert len(sent) == output.MOST_SENT
    assert "2,000,000 more characters" in training.printed("cell", "stderr")
    answer = training.do("print('y' * 3_000_000)")
    assert len(answer.data) < output.MOST_KEPT + 100
    assert answer.data.endswith("2,900,001 more characters.")


def test_figures_images_and_tables_are_displays(watched: Callable[..., Any]) -> None:
    training = watched()
    training.do("import plotly.graph_objects as go\ngo.Figure(go.Scatter(y=[1, 2]), {'title': 'Two'})", "figure")
    [shown] = training.messages("figure", "display")
    assert shown.data["application/vnd.plotly.v1+json"]["data"][0]["y"] == [1, 2]
    assert shown.data["text/plain"] == "Figure “Two”\n"
    training.do("_.show()", "again")
    assert "application/vnd.plotly.v1+json" in training.messages("again", "display")[0].data
    code = (
        "class Both:\n    def _repr_html_(self):\n        return '<b>x</b>'\n"
        f"    def _repr_png_(self):\n        return {PNG!r}\n"
        "    def __repr__(self):\n        return 'Both'\n"
    )
    training.do(code + "for one in range(2):\n    display(Both())\nBoth()", "both")
    shown = training.messages("both", "display")
    assert [one.data["text/plain"] for one in shown] == ["Both\n", "Both\n", "Both"]
    assert shown[0].data["text/html"] == "<b>x</b>"
    assert base64.b64decode(shown[0].data["image/png"]) == PNG


def test_a_value_is_a_display_with_text_alone(watched: Callable[..., Any]) -> None:
    training = watched()
    training.do("print('said')\n[1] * 3", "cell")
    assert [(one.kind, one.text, one.data) for one in training.messages("cell")] == [
        ("stdout", "said\n", {}),
        ("display", "", {"text/plain": "[1, 1, 1]"}),
    ]


def test_what_is_too_big_to_show_is_left_out_and_that_is_said(watched: Callable[..., Any]) -> None:
    training = watched()
    code = f"class Big:\n    def _repr_html_(self):\n        return 'x' * {output.MOST_DISPLAY + 1}\nBig()"
    training.do(code, "cell")
    [shown] = training.messages("cell", "display")
    assert set(shown.data) == {"text/plain"}
    assert "text/html of 6.0 MB is left out" in shown.data["text/plain"]


def test_an_error_comes_in_colours_and_is_answered_without(watched: Callable[..., Any]) -> None:
    training = watched()
    answer = training.do("1 / 0", "cell")
    text = training.printed("cell", "stderr")
    assert "\x1b[" in text
    assert without_colours(text) == answer.data


def test_nothing_is_told_of_a_line_without_a_cell(watched: Callable[..., Any]) -> None:
    training = watched()
    training.do("print(1)")
    assert training.messages("") == []


def test_the_person_is_told_that_the_training_waits(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    main["gate"] = gate = threading.Event()
    number = training.line("gate.wait(60)", cell="cell")
    told = threading.Thread(
        target=lambda: (training.wait(lambda: training.messages("cell", "waits")), gate.set()), daemon=True
    )
    told.start()
    training.answer(number, steps=True)
    told.join()
    assert len(training.messages("cell", "waits")) == 1


def test_parts_of_a_line_are_sent_together() -> None:
    sent: list[tuple[str, str]] = []
    taker = Output(lambda kind, text, data: sent.append((kind, text)))
    for n in range(1000):
        taker.write("stdout", f"{n}\n")
    taker.write("stderr", "!")
    taker.close()
    taker.write("stdout", "after the end")
    assert len(sent) < 100
    assert "".join(text for kind, text in sent if kind == "stdout") == "".join(f"{n}\n" for n in range(1000))
    assert sent[-1] == ("stderr", "!")
