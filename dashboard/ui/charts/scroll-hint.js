/** Says at which edges of something that scrolls there is more: bars may be hidden until they are used, and what is cut there looks whole. */

/**
 * Keeps `data-more` of an element up to date: which of `left`, `right` and `down` can be scrolled to. The style sheet fades those edges.
 *
 * @param {HTMLElement} element
 * @param {(more: string) => void} [told] is given the same words, whenever they are looked at.
 * @returns {{look: () => void, stop: () => void}} `look` is to be called when its content has changed.
 */
export function hintScroll(element, told = () => {}) {
  const look = () => {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = element;
    const more = [
      scrollLeft > 1 && "left",
      scrollLeft + clientWidth < scrollWidth - 1 && "right",
      scrollTop + clientHeight < scrollHeight - 1 && "down",
    ];
    const words = more.filter(Boolean).join(" ");
    if (element.dataset.more !== words) element.dataset.more = words;
    told(words);
    // The bars themselves are not to fade.
    element.style.setProperty("--bvc-bar-right", `${element.offsetWidth - clientWidth}px`);
    element.style.setProperty("--bvc-bar-down", `${element.offsetHeight - clientHeight}px`);
  };
  const watcher = new ResizeObserver(look);
  watcher.observe(element);
  element.addEventListener("scroll", look, { passive: true });
  return { look, stop: () => watcher.disconnect() };
}
