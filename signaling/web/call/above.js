// A menu opens above its button: says how far that is from the middle of the window, where the bar's buttons keep their places.

/** @param {HTMLElement} menu  a popover  @param {HTMLElement} button */
export function above(menu, button) {
  menu.addEventListener("beforetoggle", ({ newState }) => {
    if (newState !== "open") return;
    const { left, width } = button.getBoundingClientRect();
    menu.style.setProperty("--aside", `${Math.round(left + width / 2 - innerWidth / 2)}px`);
  });
}
