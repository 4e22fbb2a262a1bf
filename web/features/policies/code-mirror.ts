// What every view of a text here has in common. A view stands in a shadow root: there CodeMirror uses constructable style
// sheets, which the page's policy permits, and not <style> elements, which it forbids.
import { EditorState, type Extension } from '@codemirror/state'
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view'
import { cedar } from './cedar.ts'

/** As in ui/text.ts: what steers the eye, or nothing at all, is shown by its number. */
const STRANGE = /[\p{Cf}\p{Co}\p{Cn}\u2028\u2029\u115f\u1160\u3164\uffa0]/gu

const look = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--paper)', height: '100%' },
  // Whoever shows it draws the focus around it.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
    fontSize: '0.8125rem',
    lineHeight: '1.25rem',
  },
  '.cm-content': { caretColor: 'var(--ink)', padding: '4px 0' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, ::selection':
    { background: 'color-mix(in srgb, var(--focus) 30%, transparent)' },
  '.cm-gutters': {
    backgroundColor: 'var(--paper)',
    color: 'var(--soft)',
    borderRight: '1px solid var(--line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--raised)' },
  '.cm-specialChar, .cm-strange': { color: 'var(--denied)', fontWeight: '600' },
  '.cm-matchingBracket': { outline: '1px solid var(--soft)', backgroundColor: 'transparent' },
  '.cm-tooltip': {
    backgroundColor: 'var(--paper)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    maxWidth: 'min(40rem, 90vw)',
  },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--ink)' },
  '.cm-panels input, .cm-panels button': {
    backgroundColor: 'var(--paper)',
    backgroundImage: 'none',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '0',
  },
  '.cm-searchMatch': { backgroundColor: 'transparent', outline: '1px solid var(--focus)' },
  '.cm-diagnostic': { borderLeft: 'none', padding: '4px 8px', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic-error::before': { content: '"✕ "', color: 'var(--denied)' },
  '.cm-diagnostic-warning::before': { content: '"! "', fontWeight: '700' },
  '.cm-lintRange': { backgroundImage: 'none' },
  '.cm-lintRange-error': {
    textDecoration: 'underline wavy var(--denied)',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': { textDecoration: 'underline dotted', textUnderlineOffset: '3px' },
  '.cm-lint-marker': { width: '1ch', height: 'auto', content: 'normal !important' },
  '.cm-lint-marker-error::before': { content: '"✕"', color: 'var(--denied)' },
  '.cm-lint-marker-warning::before': { content: '"!"', fontWeight: '700' },
  '.cm-lintPoint::after': { borderBottomColor: 'var(--denied)' },
  // Of the two colours that the merge view has by itself none is left: a bar and a raised ground, or struck through.
  '.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--raised) !important' },
  '.cm-changedText, .cm-deletedText': { background: 'none !important' },
  '.cm-changedText': { textDecoration: 'underline', textUnderlineOffset: '3px' },
  '.cm-deletedChunk': {
    backgroundColor: 'var(--paper) !important',
    color: 'var(--soft)',
    paddingLeft: '6px',
  },
  '.cm-deletedChunk .cm-deletedLine, .cm-deletedChunk del': {
    backgroundColor: 'var(--paper) !important',
    textDecoration: 'line-through',
  },
  '.cm-changedLineGutter': { background: 'var(--ink) !important' },
  '.cm-deletedLineGutter': { background: 'var(--soft) !important' },
  '.cm-collapsedLines': {
    background: 'var(--raised)',
    color: 'var(--soft)',
    padding: '2px 8px',
  },
})

/** A text of a policy file, named for those who cannot see it. */
export function basics(label: string, text: string): Extension[] {
  return [
    look,
    cedar,
    lineNumbers(),
    EditorView.lineWrapping,
    highlightSpecialChars({ addSpecialChars: STRANGE, render: shown }),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
    // A text keeps the ends of its lines: a save of one word is no change of every line.
    EditorState.lineSeparator.of(text.includes('\r\n') ? '\r\n' : '\n'),
  ]
}

function shown(code: number): HTMLElement {
  const mark = document.createElement('span')
  mark.className = 'cm-strange'
  mark.textContent = `\\u${code.toString(16).padStart(4, '0')}`
  return mark
}

/** Shows a state in `host`, in a shadow root of its own. */
export function mount(host: HTMLElement, state: EditorState): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const view = new EditorView({ state, root, parent: root as unknown as DocumentFragment })
  return view
}
