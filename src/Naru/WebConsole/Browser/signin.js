// Signs a person in; the cookie that the answer sets is out of reach of scripts. Then the page that was asked for.

import { h, fill } from "./dom.js";
import { send } from "./ask-server.js";

const form = document.getElementById("signin");
const said = document.getElementById("said");

form.addEventListener("submit", async event => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  fill(said);
  try {
    await send("POST", "/v1/session", { name: form.elements.name.value, password: form.elements.password.value });
    location.reload();
  } catch (error) {
    fill(said, h("span", { class: "bad" }, error.message, error.hint ? ` · ${error.hint}` : ""));
    button.disabled = false;
    form.elements.password.select();
  }
});
