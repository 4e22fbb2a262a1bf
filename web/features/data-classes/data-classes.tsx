// The classes of data: which columns are of each, how a value looks to whoever may not see it, and who may.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import {
  type DataClassesView,
  type DataClassView,
  type LiveEvent,
  type PolicySummaryView,
  paths,
} from '#contract'
import { call } from '../../data/gateway.ts'
import { useFresh } from '../../data/live.ts'
import { Empty, Facts, Failure, Mark, Verbatim } from '../../ui/parts.tsx'
import { count, many, plain } from '../../ui/text.ts'
import { Detector } from './detector.tsx'

/** A session brings its resource's catalog, a moment after it opened. */
const mayDiffer = ({ kind }: LiveEvent): boolean =>
  kind === 'policies.changed' || kind === 'resources.changed' || kind === 'session.closed'

export function DataClasses() {
  useFresh('data-classes', mayDiffer)
  const found = useQuery({
    queryKey: ['data-classes'],
    queryFn: ({ signal }) => call<DataClassesView>(paths.dataClasses, { signal }),
  })
  const { data } = found
  return (
    <div className="overflow-auto p-4 w-full max-w-5xl">
      <div className="flex flex-wrap gap-4 items-baseline">
        <h1 className="text-lg font-semibold m-0">Data classes</h1>
        {found.isPending && <span className="text-soft">reading …</span>}
      </div>
      <p className="text-soft m-0 mb-3">
        Whoever no policy lets <code>reveal</code> a class sees it masked, wherever its values go.
      </p>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {data?.classes.length === 0 && (
        <Empty title="No class of data is configured: nothing is masked.">
          In <code>sallyport.yaml</code>:{' '}
          <code>
            {'dataClasses: { email: { columns: ["*.email"], detect: email, mask: partial } }'}
          </code>
        </Empty>
      )}
      {data?.classes.map(each => (
        <One key={each.name} of={each} resources={data.resources} />
      ))}
    </div>
  )
}

function One({ of, resources }: { of: DataClassView; resources: DataClassesView['resources'] }) {
  const unknown = resources.filter(({ known }) => !known).map(({ name }) => plain(name))
  return (
    <section aria-labelledby={`class-${of.name}`} className="border-t border-line py-3">
      <h2 id={`class-${of.name}`} className="text-base font-semibold m-0 mb-1 font-mono">
        {plain(of.name)}
      </h2>
      <Facts
        rows={[
          ['mask', <Mask key="m" of={of} />],
          [
            'columns',
            of.columns.length === 0 ? (
              (of.fields ?? []).length === 0 ? (
                'none: its detector alone finds it'
              ) : (
                'none'
              )
            ) : (
              <span key="c" className="flex flex-wrap gap-x-3">
                {of.columns.map(each => (
                  <Verbatim key={each} text={each} />
                ))}
              </span>
            ),
          ],
          ...((of.fields ?? []).length === 0
            ? []
            : [
                [
                  'fields in bodies',
                  <span key="f" className="flex flex-wrap gap-x-3">
                    {of.fields?.map(each => (
                      <Verbatim key={each} text={each} />
                    ))}
                  </span>,
                ] as const,
              ]),
          ['matches now', <Matches key="n" of={of} unknown={unknown} />],
          of.detect === undefined
            ? ['detector', 'none: its columns and fields alone are masked']
            : ['detector', <Detector key="d" name={of.detect} origin={of.detector} />],
          ['may see it', <Who key="w" reveal={of.reveal} />],
        ]}
      />
    </section>
  )
}

function Mask({ of: { mask, example } }: { of: DataClassView }) {
  const said = typeof mask === 'string' ? mask : JSON.stringify(mask).replace(/["{}]/g, ' ').trim()
  return (
    <span className="flex flex-wrap gap-x-3 items-baseline">
      <code className="font-mono wrap-anywhere">{plain(said)}</code>
      {example === undefined ? (
        <span className="text-soft">a module of the operator’s own, not asked here</span>
      ) : (
        <span>
          <span className="text-soft">for example</span> <Verbatim text={example.value} />{' '}
          <span className="text-soft">is shown as</span>{' '}
          <Mark tone="masked" glyph="▒">
            <span className="font-mono whitespace-normal wrap-anywhere">
              {example.shown === null ? 'NULL' : plain(example.shown)}
            </span>
          </Mark>
        </span>
      )}
    </span>
  )
}

function Matches({ of: { matches, more }, unknown }: { of: DataClassView; unknown: string[] }) {
  const told =
    matches.length === 0
      ? 'no column that is known'
      : `${many(matches.length, 'column')}${more ? ' or more' : ''}`
  return (
    <div>
      {matches.length === 0 ? (
        told
      ) : (
        <details>
          <summary>{told}</summary>
          <ul className="m-0 pl-5">
            {matches.map(({ resource, object, column }) => (
              <li key={`${resource} ${object} ${column}`}>
                <span className="text-soft">{plain(resource)}</span>{' '}
                <Verbatim text={`${object}.${column}`} />
              </li>
            ))}
          </ul>
          {more && <p className="m-0 text-soft">There are more than {count(matches.length)}.</p>}
        </details>
      )}
      {unknown.length > 0 && (
        <p className="m-0 text-soft">
          Not known of {unknown.join(', ')}: nobody was connected lately.
        </p>
      )}
    </div>
  )
}

function Who({ reveal }: { reveal: readonly PolicySummaryView[] }) {
  if (!reveal.some(({ effect }) => effect === 'permit')) return <>nobody: no policy permits it</>
  return (
    <ul className="m-0 p-0 list-none">
      {reveal.map(({ id, effect, file }) => (
        <li key={id}>
          <span className="font-semibold">{effect}</span>{' '}
          <Link to="/policies" search={{ file }} className="wrap-anywhere">
            {plain(id)}
          </Link>
        </li>
      ))}
    </ul>
  )
}
