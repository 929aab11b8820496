// Elements are made here and nowhere else: text goes in as text, so nothing that an event carries becomes markup.

const refused = /^(on|style$|srcdoc$)/i;
const svgSpace = "http://www.w3.org/2000/svg";

/** h("td", {class: "number", on: {click}}, "text", node, [more]): null and false children are left out. */
export function h(tag, properties, ...children) {
  return build(document.createElement(tag), properties, children);
}

/** The same for drawings. */
export function svg(tag, properties, ...children) {
  return build(document.createElementNS(svgSpace, tag), properties, children);
}

/** Puts children in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

function build(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (name === "css") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else if (name === "value" || name === "checked" || name === "selected" || name === "disabled") {
      element[name] = value;
    } else if (refused.test(name)) {
      throw new Error(`the attribute ${name} is refused`);
    } else {
      if ((name === "href" || name === "src") && !/^(\/(?!\/)|#|blob:)/.test(value)) {
        throw new Error(`the address ${value} is not of this server`);
      }
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity)
    .filter(child => child !== null && child !== undefined && child !== false)
    .map(child => (child instanceof Node ? child : document.createTextNode(String(child))));
}
