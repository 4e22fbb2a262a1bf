// The editor of one file. It holds the text; whoever shows it hears of each change.
import {
  defaultKeymap,
  history,
  historyField,
  historyKeymap,
  indentWithTab,
} from '@codemirror/commands'
import { bracketMatching, indentUnit } from '@codemirror/language'
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { search, searchKeymap } from '@codemirror/search'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import type { PolicyProblem } from '#contract'
import { plain } from '../../ui/text.ts'
import { basics, mount } from './code-mirror.ts'

/** A place to go to; each object once. */
export interface Target {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** States of files that were looked at in this page: where one was, and what can be undone. */
export type EditorStates = Map<string, EditorState>

export function Editor({
  name,
  text,
  readOnly,
  problems,
  states,
  target,
  onChange,
}: {
  name: string
  text: string
  readOnly: boolean
  /** Of this very text; undefined while it is looked at. */
  problems: readonly PolicyProblem[] | undefined
  states: EditorStates
  target: Target | undefined
  onChange: (text: string) => void
}) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const latest = useRef({ text, onChange })
  latest.current = { text, onChange }

  useEffect(() => {
    if (host.current === null) return
    const made = mount(
      host.current,
      stateOf(name, latest.current.text, readOnly, states, changed =>
        latest.current.onChange(changed),
      ),
    )
    view.current = made
    return () => {
      states.set(`${name} ${readOnly}`, made.state)
      made.destroy()
      view.current = undefined
    }
  }, [name, readOnly, states])

  // What was changed elsewhere: dropped, or read anew.
  useEffect(() => {
    const shown = view.current
    if (shown === undefined || shown.state.sliceDoc() === text) return
    shown.dispatch({
      changes: { from: 0, to: shown.state.doc.length, insert: shown.state.toText(text) },
    })
  }, [text])

  useEffect(() => {
    const shown = view.current
    if (shown === undefined || problems === undefined) return
    shown.dispatch(
      setDiagnostics(
        shown.state,
        problems.map(each => diagnostic(shown.state, each)),
      ),
    )
  }, [problems])

  useEffect(() => {
    const shown = view.current
    if (shown === undefined || target === undefined) return
    shown.dispatch({
      selection: { anchor: place(shown.state, target.line, target.column) },
      effects: EditorView.scrollIntoView(place(shown.state, target.line, target.column), {
        y: 'center',
      }),
    })
    shown.focus()
  }, [target])

  return (
    <div
      ref={host}
      className="h-full min-h-0 min-w-0 overflow-hidden border-2 border-transparent focus-within:border-focus"
    />
  )
}

function stateOf(
  name: string,
  text: string,
  readOnly: boolean,
  states: EditorStates,
  onChange: (text: string) => void,
): EditorState {
  const known = states.get(`${name} ${readOnly}`)
  const extensions = [
    basics(`text of ${plain(name)}`, text),
    history(),
    drawSelection(),
    highlightActiveLine(),
    bracketMatching(),
    indentUnit.of('  '),
    lintGutter(),
    search(),
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap, indentWithTab]),
    EditorState.readOnly.of(readOnly),
    EditorView.updateListener.of(update => {
      if (update.docChanged) onChange(update.state.sliceDoc())
    }),
  ]
  if (known === undefined || known.sliceDoc() !== text)
    return EditorState.create({ doc: text, extensions })
  return EditorState.fromJSON(
    known.toJSON({ history: historyField }),
    { extensions },
    { history: historyField },
  )
}

function diagnostic(state: EditorState, problem: PolicyProblem): Diagnostic {
  const from = place(state, problem.line, problem.column)
  const rest = state.doc.lineAt(from).text.slice(from - state.doc.lineAt(from).from)
  const word = /^(?:(?:\w+::)*(?:\w+|"(?:[^"\\]|\\.)*")|\S)/.exec(rest)?.[0].length ?? 0
  return { from, to: from + word, severity: problem.severity, message: plain(problem.message) }
}

/** Lines and columns count from 1; what is past the end is the end. */
function place({ doc }: EditorState, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(1, line), doc.lines))
  return Math.min(found.from + Math.max(0, column - 1), found.to)
}
