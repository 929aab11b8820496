// The text editor (Ace), as the console wants it: no workers, no styles of its own making, our colours.

const { ace } = window;
ace.config.set("useStrictCSP", true);
ace.config.set("loadWorkerFromBlob", false);

/** editor(place, {mode, text, label, changed(text), complete(before, whole)}). */
export function editor(place, options) {
  const made = ace.edit(place, {
    useWorker: false, mode: `ace/mode/${options.mode}`, value: options.text ?? "", showPrintMargin: false, tabSize: 2,
    useSoftTabs: true, fontSize: 13, minLines: 7, maxLines: options.linesMax ?? 24, showFoldWidgets: false,
    highlightActiveLine: false, wrap: true, indentedSoftWrap: false, readOnly: options.readOnly ?? false,
    enableBasicAutocompletion: options.complete !== undefined, enableLiveAutocompletion: options.complete !== undefined,
    enableKeyboardAccessibility: true, fontFamily: "var(--mono)",
  });
  made.setTheme({ cssClass: "ace-naru", isDark: matchMedia("(prefers-color-scheme: dark)").matches, cssText: "" });
  made.textInput.getElement().setAttribute("aria-label", options.label);
  let marker = null;

  if (options.complete) {
    made.completers = [{
      identifierRegexps: [/[\p{L}\p{N}_$]/u],
      getCompletions: (_, session, position, prefix, done) => {
        const before = session.getTextRange({ start: { row: 0, column: 0 }, end: position });
        done(null, options.complete(before.slice(0, before.length - prefix.length), session.getValue()));
      },
    }];
    // A dot asks for what is within.
    made.commands.on("afterExec", event => {
      if (event.command.name === "insertstring" && event.args === ".") made.execCommand("startAutocomplete");
    });
  }

  const clear = () => {
    if (marker !== null) made.session.removeMarker(marker);
    marker = null;
    made.session.clearAnnotations();
  };
  made.session.on("change", () => {
    clear();
    options.changed?.(made.getValue());
  });

  return {
    ace: made,
    get text() { return made.getValue(); },
    set text(text) { made.setValue(text, 1); },
    get chosen() { return made.getSelectedText(); },
    focus: () => made.focus(),
    insert: text => { made.insert(text); made.focus(); },
    clear,
    /** Marks places: [{line, column, message}], counted from 1; the cursor goes to the first. */
    mark(mistakes, { move = true } = {}) {
      clear();
      const placed = mistakes.filter(mistake => mistake.line > 0);
      made.session.setAnnotations(placed.map(mistake => ({
        row: mistake.line - 1, column: (mistake.column ?? 1) - 1, text: mistake.message, type: "error",
      })));
      if (placed.length === 0) return;
      const [{ line, column }] = placed;
      const word = made.session.getAWordRange(line - 1, (column ?? 1) - 1);
      marker = made.session.addMarker(word, "ace_naru_mistake", "text");
      if (move) {
        made.gotoLine(line, (column ?? 1) - 1);
        made.focus();
      }
    },
    resize: () => made.resize(),
  };
}
