// CodeMirror as the workshop uses it. The page calls makeCodeMirror and knows nothing else of it.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// Makes an editor in an element. `label` is its name for a screen reader, and `changed` is called
// whenever its text changes. Returns what editor.js expects of an editor.
globalThis.makeCodeMirror = (place, { text, label, help, changed }) => {
  const heard = EditorView.updateListener.of((update) => update.docChanged && changed());
  const names = EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": help });
  const state = EditorState.create({ doc: text, extensions: [...extensions, heard, names] });
  const view = new EditorView({ state, parent: place });
  view.scrollDOM.tabIndex = 0; // so that the keyboard can scroll it, too
  const all = () => ({ from: 0, to: view.state.doc.length });
  return {
    value: () => view.state.doc.toString(),
    set: (insert) => view.dispatch({ changes: { ...all(), insert }, selection: { anchor: 0 } }),
    follow: (insert) => {
      const anchor = Math.min(view.state.selection.main.anchor, insert.length);
      view.dispatch({ changes: { ...all(), insert }, selection: { anchor } });
    },
    markLine: (number) => view.dispatch({ effects: mark.of(placeOf(view, number)) }),
    goTo: (number) => {
      const anchor = placeOf(view, number) ?? 0;
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    focus: () => view.focus(),
  };
};

// Returns where a line begins, or null for a line that is not there.
function placeOf(view, number) {
  return number >= 1 && number <= view.state.doc.lines ? view.state.doc.line(number).from : null;
}

const mark = StateEffect.define();
const marked = Decoration.line({ class: "wrong" });
const marks = StateField.define({
  create: () => Decoration.none,
  update(old, transaction) {
    let now = transaction.docChanged ? Decoration.none : old;
    for (const effect of transaction.effects)
      if (effect.is(mark))
        now = effect.value === null ? Decoration.none : Decoration.set([marked.range(effect.value)]);
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// The colours are the page's, so that they follow its dark mode.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--keyword)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--number)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.definition(tags.variableName), tags.function(tags.definition(tags.variableName))], fontWeight: "600" },
]);

const extensions = [
  lineNumbers(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  highlightActiveLine(),
  marks,
  python(),
  indentUnit.of("    "),
  EditorState.tabSize.of(4),
  syntaxHighlighting(colours),
  keymap.of([indentWithTab, ...defaultKeymap, ...historyKeymap]),
];
