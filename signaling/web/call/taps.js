// Fingers do not hover. What a mouse sees by being there, a first tap shows and does nothing else; the next one presses.

const SHOWN_MS = 5_000;

/** Of buttons in `element` that are transparent until hovered, focused or `.touched`. @param {HTMLElement} element */
export function showByTap(element) {
  let unseen = null; // the button under the finger, if nobody can have meant it
  let timer = 0;
  const button = ({ target }) => target.closest?.("button") ?? null;
  const down = (event) => {
    const touched = event.pointerType === "touch" ? button(event) : null;
    unseen = touched && getComputedStyle(touched).opacity === "0" ? touched : null;
    if (event.pointerType !== "touch") return;
    clearTimeout(timer);
    timer = setTimeout(() => element.classList.remove("touched"), SHOWN_MS);
  };
  const click = (event) => {
    if (event.pointerType === "touch") element.classList.add("touched");
    if (!unseen || unseen !== button(event)) return;
    unseen = null;
    event.stopPropagation();
    event.preventDefault();
  };
  element.addEventListener("pointerdown", down, { capture: true });
  element.addEventListener("click", click, { capture: true });
}
