"""A run as others see it: killed, ended, interrupted, hanging, paused; dashboards and browsers that come and go."""

from __future__ import annotations

import re
import signal

from support.dashboards import running_dashboard
from system.worlds import PATIENCE, World, do, is_kind, is_state, refused, until

import bidviz_core as bidviz


def test_a_killed_training_is_lost_and_its_history_is_there_up_to_the_last_half_second(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("steps", dashboard)
    browser = world.follow(dashboard, training.run)
    training.wait_for(r"^step 300 ")
    training.kill()
    lost = browser.wait_for(is_state("lost"), timeout=5.0)["content"]["status"]
    assert "without a word" in lost["detail"]
    training.wait()
    printed = {int(step): float(moment) for step, moment in re.findall(r"^step (\d+) (\S+)$", training.text, re.M)}
    run = bidviz.open_run(training.folder)
    assert run.state == "lost"
    history = run.history("loss")
    kept = int(history.step[-1])
    assert lost["step"] == lost["loss"] == run.step == kept, "one last step, whoever asks"
    # Every step that the file has is whole and in its place; what it lacks is young.
    assert history.step.tolist() == history.value.tolist() == list(range(1, kept + 1))
    missing = [printed[step] for step in printed if step > kept]
    assert not missing or max(printed.values()) - min(missing) < 2.0, "half a second, and what a busy machine adds"


def test_ended_runs_are_shown_by_a_dashboard_that_never_saw_them(world: World) -> None:
    training = world.train("steps", name="earlier")
    training.wait_for(r"^step 20 ")
    assert training.finish() == 0
    last = int(training.wait_for(r"finished after step (\d+)")[1])
    follower = world.follow(world.dashboard(), training.run)
    status = follower.wait_for(is_state("ended"))["content"]["status"]
    assert status["step"] == last
    _, values = follower.history("loss")
    assert list(values.values()) == list(range(1, last + 1))
    do(follower, "subscribeRuns")
    [row] = follower.wait_for(is_kind("runs"))["content"]
    assert (row["run"]["name"], row["status"]["state"], row["live"]) == ("earlier", "ended", False)
    assert "not there to take commands" in refused(follower, "pauseTraining", True)


def test_a_second_training_shows_up_on_the_same_dashboard(world: World) -> None:
    dashboard = world.dashboard()
    first = world.train("steps", dashboard, name="first")
    browser = world.browser(dashboard, first.run)
    do(browser, "subscribeRuns")
    second = world.train("steps", dashboard, name="second")

    def both_run(message: dict) -> bool:
        rows = message["content"] if message["msgType"] == "runs" else []
        return [row["run"]["name"] for row in rows if row["status"]["state"] == "running"] == ["second", "first"]

    browser.wait_for(both_run)
    browser.wait_for_values("loss", 10)
    world.browser(dashboard, second.run).wait_for_values("loss", 10)


def test_a_dashboard_is_killed_and_started_again_and_nothing_is_lost(world: World) -> None:
    with world.inside(), running_dashboard(world.runs) as first:
        training = world.train("steps", first)
        before = world.follow(first, training.run)
        before.wait_for_values("loss", 50)
        first.process.kill()
        first.process.wait(PATIENCE)
    seen = before.last
    training.wait_for(rf"^step {int(max(step for step, _ in before.values['loss'])) + 100} ")
    port = first.address.rsplit(":", 1)[1]
    again = world.dashboard("--port", port)
    assert again.tokens == first.tokens, "an open page goes on working"
    world.wait_for_link(again, training.run)
    live = world.follow(again, training.run, since=seen)
    reached = int(training.lines[-1].split()[1])
    values = live.joined("loss", until=reached)
    assert list(values) == list(values.values()) == list(range(1, len(values) + 1))
    assert len(values) >= reached
    do(live, "pauseTraining", True)


def test_a_browser_goes_and_comes_back_and_has_every_record_once(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("steps", dashboard)
    first = world.follow(dashboard, training.run)
    first.wait_for_values("loss", 50)
    first.close()
    assert first.twice == []
    seen = first.last
    training.wait_for(rf"^step {int(first.values['loss'][-1][0]) + 200} ")
    # A page that comes back says what it has seen: the frames it missed come as if it had never gone.
    back = world.follow(dashboard, training.run, since=seen)
    back.wait_for_values("loss", 300)
    assert sorted(back.batches) == list(range(seen + 1, back.last + 1))
    assert back.twice == []
    # A page that knows nothing any more asks for the history and joins the live batches to it.
    fresh = world.follow(dashboard, training.run)
    reached = int(training.lines[-1].split()[1])
    values = fresh.joined("loss", until=reached)
    assert list(values) == list(values.values()) == list(range(1, len(values) + 1))


def test_a_training_that_hangs_is_quiet_or_stuck_and_its_stacks_say_where(world: World) -> None:
    dashboard = world.dashboard()
    sleeping = world.train("steps", dashboard, name="sleeping")
    locked = world.train("steps", dashboard, name="locked")
    sleeper, locker = world.browser(dashboard, sleeping.run), world.browser(dashboard, locked.run)
    sleeper.wait_for_values("loss", 5)
    locker.wait_for_values("loss", 5)
    sleeping.tell("sleep")
    locked.tell("lock")
    # No beat comes from behind the interpreter lock, and still the stacks do.
    stuck = locker.wait_for(is_state("stuck"))["content"]["status"]
    assert "its process lives" in stuck["detail"]
    assert "hold_the_lock" in do(locker, "getStacks", {"run": locked.run})["data"]
    quiet = sleeper.wait_for(is_state("quiet"))["content"]["status"]
    assert "No step for" in quiet["detail"]
    assert "wait_for_data" in do(sleeper, "getStacks", {"run": sleeping.run})["data"]


def test_a_run_that_is_interrupted_in_a_step_has_failed_and_the_script_handles_it_as_ever(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("interrupted", dashboard)
    browser = world.browser(dashboard, training.run)
    training.wait_for("in the middle of step 5")
    training.signal(signal.SIGINT)
    failed = browser.wait_for(is_state("failed"))["content"]["status"]
    assert "KeyboardInterrupt" in failed["detail"]
    assert failed["step"] == 4
    assert training.wait() == 130
    assert "the script cleans up after step 4" in training.text
    assert "nothing of the session is left: True" in training.text
    run = bidviz.open_run(training.folder)
    assert run.state == "failed"
    assert run.history("loss").step.tolist() == [1, 2, 3, 4]


def test_an_interrupt_anywhere_in_a_net_ends_script_and_run(world: World) -> None:
    training = world.train("net", paused=False)
    until(lambda: bidviz.open_run(training.folder).step >= 20, "twenty steps in the file")
    training.signal(signal.SIGINT)
    assert training.wait() == -signal.SIGINT, "as Python ends without us"
    assert training.text.count("Traceback") == 1
    run = bidviz.open_run(training.folder)
    assert run.state == "failed"
    steps = run.history("loss").step.tolist()
    assert steps == list(range(1, run.step + 1))


def test_an_interrupt_ends_a_pause_as_well(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("steps", dashboard, paused=True)
    browser = world.browser(dashboard, training.run)
    browser.wait_for(is_state("paused"))
    training.signal(signal.SIGINT)
    browser.wait_for(is_state("failed"))
    assert training.wait() == -signal.SIGINT
    assert bidviz.open_run(training.folder).history("loss").step.tolist() == [1]


def test_a_paused_run_serves_edits_and_goes_on(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("steps", dashboard, paused=True)
    browser = world.browser(dashboard, training.run)
    status = browser.wait_for(is_state("paused"))["content"]["status"]
    assert status["paused_by"] == "script"
    assert status["step"] == 1
    do(browser, "addMetric", {"run": training.run, "name": "double", "code": "2 * loss"})
    [first] = browser.wait_for_values("double", 1)
    assert first == (1.0, 2.0), "what is still there is computed at once"
    assert do(browser, "evaluateCommand", {"code": "session.step"})["data"] == "1"
    do(browser, "changeMetric", {"run": training.run, "name": "double", "every": 2})
    do(browser, "pauseTraining", False)
    browser.wait_for(is_state("running"))
    values = browser.wait_for_values("double", 4)
    assert values[:4] == [(1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (6.0, 12.0)]
    assert training.finish() == 0
    browser.wait_for(is_state("ended"))
    actions = [entry.action for entry in bidviz.open_run(training.folder).journal]
    assert actions == ["addMetric", "evaluateCommand", "changeMetric", "pauseTraining"]
