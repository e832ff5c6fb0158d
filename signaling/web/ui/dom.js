// Builds elements. Texts are always text nodes: nothing that people write is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const sprite = (file) => new URL(`../${file}.svg`, import.meta.url).pathname;

/** h("button", {class: "round", onclick: f, "aria-pressed": "true"}, icon("mic"), "Mute"); null and false are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A coloured drawing of a file of them. */
export function picture(file, name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "picture");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite(file)}#${name}`);
  svg.append(use);
  return svg;
}

/** An icon of icons.svg; invisible to screen readers, so its button needs a name. */
export function icon(name) {
  const svg = picture("icons", name);
  svg.setAttribute("class", "icon");
  return svg;
}

export function setIcon(element, name) {
  element.querySelector("use").setAttribute("href", `${sprite("icons")}#${name}`);
}

/** A button with an icon, a name and a tooltip. */
export function iconButton(iconName, label, onclick, props = {}) {
  return h("button", { type: "button", class: "round", title: label, "aria-label": label, onclick, ...props }, icon(iconName));
}

export function relabel(button, iconName, label) {
  setIcon(button, iconName);
  button.title = label;
  button.setAttribute("aria-label", label);
}

/** Shows or hides without layout surprises: the `hidden` attribute. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** Says something to screen readers without stealing the focus. */
export function announce(text) {
  document.getElementById("announcer").replaceChildren(h("p", {}, text)); // a new element: the same words twice are said twice
}
