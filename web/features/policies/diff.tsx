// One file before and after, in one column: lines that come are on a raised ground with a bar, lines that go are struck.
import { unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { useEffect, useRef } from 'react'
import { plain } from '../../ui/text.ts'
import { basics, mount } from './code-mirror.ts'

export function Diff({
  name,
  before,
  after,
}: {
  name: string
  /** null: the file was not there. */
  before: string | null
  after: string | null
}) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (host.current === null) return
    const view = mount(
      host.current,
      EditorState.create({
        doc: after ?? '',
        extensions: [
          basics(`changes of ${plain(name)}`, after ?? ''),
          EditorState.readOnly.of(true),
          unifiedMergeView({
            original: before ?? '',
            mergeControls: false,
            syntaxHighlightDeletions: false,
            collapseUnchanged: { margin: 3, minSize: 6 },
          }),
        ],
      }),
    )
    return () => view.destroy()
  }, [name, before, after])
  return (
    <section aria-label={`changes of ${plain(name)}`} className="border border-line my-2">
      <h3 className="m-0 px-2 py-1 border-b border-line font-mono text-base font-semibold wrap-anywhere">
        {plain(name)}{' '}
        <span className="text-soft font-sans font-normal">
          {before === null ? 'a new file' : after === null ? 'taken away' : 'changed'}
        </span>
      </h3>
      <div
        ref={host}
        className="max-h-96 overflow-auto border-2 border-transparent focus-within:border-focus"
      />
    </section>
  )
}

/** What differs between two sets of files. */
export function differences(
  before: readonly { readonly name: string; readonly text: string }[],
  after: readonly { readonly name: string; readonly text: string }[],
): readonly { name: string; before: string | null; after: string | null }[] {
  const [old, now] = [before, after].map(
    files => new Map(files.map(({ name, text }) => [name, text])),
  )
  return [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])]
    .sort()
    .map(name => ({ name, before: old?.get(name) ?? null, after: now?.get(name) ?? null }))
    .filter(each => each.before !== each.after)
}
