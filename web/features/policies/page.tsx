// The policies: their files, an editor that checks while one types, what the cases say, why, and the way to save.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import type { PoliciesView, PolicyProblem } from '#contract'
import { useWho } from '../../data/who.ts'
import { Empty, Failure, Mark } from '../../ui/parts.tsx'
import { many } from '../../ui/text.ts'
import { Conflicts } from './conflicts.tsx'
import { type Trial, usePolicies, useTrial } from './data.ts'
import { type Draft, useDraft } from './draft.ts'
import { Editor, type EditorStates, type Target } from './editor.tsx'
import { Files, NewFile } from './files.tsx'
import { Cases, Problems } from './panes.tsx'
import { Replay } from './replay.tsx'
import { Review } from './review.tsx'
import { ProposedWhy } from './why-pane.tsx'

const route = getRouteApi('/policies')

export function Policies() {
  const who = useWho()
  const policies = usePolicies()
  return (
    <>
      <div className="flex flex-wrap gap-x-4 gap-y-1 items-baseline px-4 py-3">
        <h1 className="text-lg font-semibold m-0">Policies</h1>
        {policies.isPending && <span className="text-soft">reading …</span>}
        {policies.data !== undefined && <Standing view={policies.data} />}
        <Link to="/policies/history" className="ml-auto">
          who changed what
        </Link>
      </div>
      {policies.error && (
        <div className="px-4">
          <Failure error={policies.error} again={() => void policies.refetch()} />
          {policies.data !== undefined && (
            <p className="text-soft m-0">What is shown is of before. What you typed is kept.</p>
          )}
        </div>
      )}
      {policies.data !== undefined && who.data !== undefined && (
        <Workshop view={policies.data} who={who.data.id} />
      )}
    </>
  )
}

/** What holds of the files as a whole. */
function Standing({ view }: { view: PoliciesView }) {
  return (
    <>
      <span className="text-soft">{many(view.policies.length, 'policy', 'policies')} in force</span>
      {!view.inForce && (
        <Mark tone="denied" glyph="✕">
          the files do not check: what was in force before goes on
        </Mark>
      )}
    </>
  )
}

function Workshop({ view, who }: { view: PoliciesView; who: string }) {
  const { file, pane = 'problems' } = route.useSearch()
  const navigate = useNavigate()
  const draft = useDraft(view, who)
  const trial = useTrial(draft.changes, view.revision)
  const states = useRef<EditorStates>(new Map()).current
  const [target, setTarget] = useState<Target>()
  const chosen = draft.files.find(({ name }) => name === file) ?? draft.files[0]
  const show = (next: { file?: string; pane?: Pane }): void =>
    void navigate({
      to: '/policies',
      search: before => ({ ...before, ...next }),
      replace: true,
    })
  const go = ({
    file: to,
    line,
    column,
  }: Pick<PolicyProblem, 'file' | 'line' | 'column'>): void => {
    show({ file: to })
    setTarget({ file: to, line, column })
  }
  return (
    <div className="flex-1 min-h-0 grid grid-cols-1 grid-rows-[auto_auto] md:grid-rows-1 md:grid-cols-[14rem_minmax(0,1fr)] overflow-auto md:overflow-hidden border-t border-line">
      <Files
        view={view}
        draft={draft}
        trial={trial}
        chosen={chosen?.name}
        onChoose={name => show({ file: name })}
        onGo={go}
      />
      <div className="min-h-0 min-w-0 flex flex-col">
        <Notices view={view} draft={draft} />
        {chosen === undefined ? (
          <Empty title="There is no file of policies.">
            Nothing is permitted to anybody. {view.editable && <NewFile draft={draft} />}
          </Empty>
        ) : (
          <div className="min-h-64 h-[45dvh] md:h-auto md:flex-1 flex flex-col">
            <Editor
              key={chosen.name}
              name={chosen.name}
              text={chosen.text}
              readOnly={!view.editable}
              problems={problemsOf(chosen.name, view, draft, trial)}
              states={states}
              target={target?.file === chosen.name ? target : undefined}
              onChange={text => draft.change(chosen.name, text)}
            />
          </div>
        )}
        <p className="m-0 px-2 py-0.5 text-soft border-t border-line text-[0.75rem]">
          {view.editable
            ? 'Tab indents; Escape, then Tab, leaves the editor. F8: the next problem. Ctrl-F: search.'
            : 'Read only. Escape, then Tab, leaves the text. Ctrl-F: search.'}
        </p>
        <Panes
          view={view}
          draft={draft}
          trial={trial}
          pane={pane}
          onPane={next => show({ pane: next })}
          onGo={go}
        />
      </div>
    </div>
  )
}

/** What is known of the very text that is shown. */
function problemsOf(
  name: string,
  view: PoliciesView,
  { changes }: Draft,
  { tried }: Trial,
): readonly PolicyProblem[] | undefined {
  const all = tried?.problems ?? (changes.length === 0 ? view.problems : undefined)
  return all?.filter(({ file }) => file === name)
}

function Notices({ view, draft }: { view: PoliciesView; draft: Draft }) {
  return (
    <>
      {view.fixed !== undefined && (
        <p className="m-0 px-4 py-2 border-b border-line text-soft">{view.fixed}</p>
      )}
      {!draft.kept && (
        <p role="alert" className="m-0 px-4 py-2 border-b border-line">
          <Mark tone="denied" glyph="✕">
            What you typed cannot be kept by this browser: a reload would lose it.
          </Mark>
        </p>
      )}
      {draft.conflicts.length > 0 && <Conflicts draft={draft} />}
    </>
  )
}

export type Pane = 'problems' | 'cases' | 'why' | 'replay' | 'save'

function Panes({
  view,
  draft,
  trial,
  pane,
  onPane,
  onGo,
}: {
  view: PoliciesView
  draft: Draft
  trial: Trial
  pane: Pane
  onPane: (pane: Pane) => void
  onGo: (place: Pick<PolicyProblem, 'file' | 'line' | 'column'>) => void
}) {
  const { last } = trial
  const failed = last?.cases?.filter(({ passed }) => !passed).length ?? 0
  const names: readonly (readonly [Pane, string])[] = [
    ['problems', `Problems ${last?.problems.length ?? ''}`],
    ['cases', `Cases ${failed > 0 ? `${failed} failed` : (last?.cases?.length ?? '')}`],
    ['why', 'Why'],
    ['replay', 'What would change'],
    ...(view.editable ? ([['save', `Save ${draft.changes.length || ''}`]] as const) : []),
  ]
  const shown = names.some(([name]) => name === pane) ? pane : 'problems'
  return (
    <section
      aria-label="about these policies"
      className="border-t border-line flex flex-col min-h-0 md:h-[45%] md:flex-none"
    >
      <div className="flex flex-wrap items-center gap-1 px-2 border-b border-line">
        <div
          role="tablist"
          aria-label="what to look at"
          className="flex flex-wrap gap-1"
          onKeyDown={event => {
            const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
            const next = names[(names.findIndex(([name]) => name === shown) + by) % names.length]
            if (by === 0 || next === undefined) return
            onPane(next[0])
            document.getElementById(`pane-${next[0]}`)?.focus()
          }}
        >
          {names.map(([name, label]) => (
            <button
              key={name}
              id={`pane-${name}`}
              type="button"
              role="tab"
              aria-selected={name === shown}
              aria-controls="pane"
              tabIndex={name === shown ? 0 : -1}
              className={`px-2 py-1 ${name === shown ? 'font-semibold underline underline-offset-4' : 'text-soft'}`}
              onClick={() => onPane(name)}
            >
              {label.trim()}
            </button>
          ))}
        </div>
        <span className="ml-auto px-2 text-soft" aria-live="polite">
          <State draft={draft} trial={trial} />
        </span>
      </div>
      <div
        id="pane"
        role="tabpanel"
        aria-labelledby={`pane-${shown}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and may hold nothing else that a key reaches
        tabIndex={0}
        className="md:overflow-auto min-h-0 flex-1 px-4 py-2"
      >
        {trial.error && <Failure error={trial.error} again={trial.again} />}
        {shown === 'problems' && <Problems trial={trial} onGo={onGo} />}
        {shown === 'cases' && <Cases view={view} trial={trial} />}
        {shown === 'why' && <ProposedWhy draft={draft} />}
        {shown === 'replay' && <Replay draft={draft} />}
        {shown === 'save' && <Review view={view} draft={draft} trial={trial} />}
      </div>
    </section>
  )
}

/** One line: what holds of what is typed. */
function State({ draft, trial }: { draft: Draft; trial: Trial }) {
  if (trial.error) return 'not checked'
  if (trial.tried === undefined) return 'checking …'
  if (!trial.tried.ok)
    return (
      <Mark tone="denied" glyph="✕">
        does not check
      </Mark>
    )
  return (
    <Mark tone="plain" glyph="✓">
      {draft.changes.length === 0
        ? 'checks'
        : `checks · ${many(draft.changes.length, 'file')} not saved`}
    </Mark>
  )
}
