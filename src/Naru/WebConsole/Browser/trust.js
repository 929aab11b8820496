// The one policy for trusted types, before any library: an element may be emptied by an empty text, and nothing more.
if (window.trustedTypes) {
  window.trustedTypes.createPolicy("default", { createHTML: text => (text === "" ? "" : null) });
}
