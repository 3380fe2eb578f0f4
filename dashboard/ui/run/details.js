// Long texts about a run: the traceback it failed with, the stacks of its threads, everything that was set aside.
import { copyText, fill, h } from "../dom.js";
import { formatCount, formatTime, spacedNumbers } from "../numbers.js";
import { button, Words } from "../shell/buttons.js";

/** A long text with a copy button, for a drawer. */
function longText(text) {
  const words = new Words();
  const copy = button(
    "Copy",
    async () => {
      await copyText(text);
      words.say("copied", "good");
    },
    { icon: "copy" },
  );
  return h(
    "div",
    null,
    h("div", { class: "bv-row bv-actions" }, copy, words.element),
    h("pre", { class: "bv-long", tabindex: "0", text }),
  );
}

/** The error a run failed with. */
export function tracebackContent(model) {
  const own = model.failures.findLast((failure) => failure.source === "run" || failure.source === "training");
  const text = own?.traceback || model.status?.detail || "Nothing was said about the error.";
  return { key: "traceback", title: "Traceback", element: longText(text) };
}

/** The stacks of the training's threads, asked for now. */
export function stacksContent(model) {
  const words = new Words();
  const place = h("div");
  const element = h("div", null, words.element, place);
  const load = async () => {
    const reply = await words.follow((signal) => model.request("getStacks", {}, { signal }), {
      busy: "Asking the process for its stacks…",
    });
    if (reply) fill(place, longText(String(reply.data || "No stacks were given.")));
  };
  load();
  return { key: "stacks", title: "Stacks of the training's threads", element };
}

/** What was set aside in this run, newest first. */
export function failuresContent(model, edit) {
  const failures = new Map(model.failures.map((failure) => [`${failure.time}${failure.name}`, failure]));
  for (const metric of model.catalogue?.metrics ?? []) {
    if (metric.failure) failures.set(`${metric.failure.time}${metric.failure.name}`, metric.failure);
  }
  const rows = [...failures.values()]
    .sort((one, other) => other.time - one.time)
    .map((failure) =>
      h(
        "article",
        { class: "bv-item" },
        h(
          "header",
          null,
          h("strong", { text: failure.name }),
          h("span", { class: "bv-tag", text: failure.source }),
          h("span", {
            class: "bv-muted",
            text: `step ${formatCount(failure.step)}${failure.time ? ` · ${formatTime(failure.time)}` : ""}`,
          }),
        ),
        h("p", { text: spacedNumbers(failure.message) }),
        failure.traceback &&
          h(
            "details",
            { class: "bv-fold" },
            h("summary", { text: "Traceback" }),
            h("pre", { class: "bv-long", text: failure.traceback }),
          ),
        failure.source === "metric" &&
          model.metric(failure.name) &&
          h(
            "div",
            { class: "bv-row" },
            button("Open the metric", () => edit(failure.name)),
          ),
      ),
    );
  return {
    key: "failures",
    title: "Failures",
    element: h("div", { class: "bv-list" }, rows.length ? rows : h("p", { class: "bv-muted", text: "None." })),
  };
}
