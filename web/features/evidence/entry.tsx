// One entry of the audit log, whole.
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type AuditRecordView, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { Copy, Empty, Facts, Failure, Time, Verbatim } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'
import { Proof } from './proof.tsx'
import { Effect, part, whatOf, whoOf } from './words.tsx'

const route = getRouteApi('/evidence/$seq')

export function EntryPage() {
  const { seq } = route.useParams()
  const { prove } = route.useSearch()
  const known = /^\d{1,15}$/.test(seq)
  const found = useQuery({
    queryKey: ['entry', seq],
    queryFn: ({ signal }) =>
      call<AuditRecordView[]>(asking(paths.audit, { from: Number(seq), count: 1 }), { signal }),
    enabled: known,
    // An entry never changes, and each reading is one.
    staleTime: query => (query.state.data?.length === 1 ? Number.POSITIVE_INFINITY : 0),
    placeholderData: () => undefined,
  })
  const entry = found.data?.find(each => each.seq === Number(seq))
  const at = Number(seq)
  return (
    <article className="overflow-auto p-4 max-w-4xl w-full">
      <p className="m-0 text-soft">
        <Link to="/evidence">Evidence</Link> / <code className="wrap-anywhere">{plain(seq)}</code>
        {known && at > 0 && (
          <>
            {' '}
            · <Neighbour seq={at - 1} label="the one before" />
          </>
        )}
        {entry !== undefined && (
          <>
            {' '}
            · <Neighbour seq={at + 1} label="the next" />
          </>
        )}
      </p>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {known && found.isPending && <p className="text-soft">reading …</p>}
      {(!known || found.data !== undefined) && entry === undefined && (
        <Empty title="There is no such entry.">The log may not be so long yet.</Empty>
      )}
      {entry !== undefined && (
        <Entry entry={entry}>
          <Proof key={seq} index={at} entry={entry} now={prove === true} />
        </Entry>
      )}
    </article>
  )
}

function Neighbour({ seq, label }: { seq: number; label: string }) {
  return (
    <Link to="/evidence/$seq" params={{ seq: String(seq) }} preload={false}>
      {label}
    </Link>
  )
}

function Entry({ entry, children }: { entry: AuditRecordView; children: ReactNode }) {
  const session = entry['session']
  const request = part(entry['details'])['request']
  const text = JSON.stringify(entry, null, 2)
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0">
          {plain(entry.kind)} <span className="text-soft">entry {count(entry.seq)}</span>
        </h1>
        <Effect entry={entry} />
      </div>
      <Facts
        rows={[
          ['when', <Time key="w" at={Date.parse(entry.ts)} />],
          ['who', whoOf(entry) || 'the gateway'],
          whatOf(entry) === '' ? undefined : ['what', whatOf(entry)],
          typeof session === 'string'
            ? [
                'session',
                <Link key="s" to="/sessions/$id" params={{ id: session }}>
                  <code className="wrap-anywhere">{plain(session)}</code>
                </Link>,
              ]
            : undefined,
          typeof request === 'string'
            ? [
                'request',
                <Link key="r" to="/requests/$id" params={{ id: request }}>
                  <code className="wrap-anywhere">{plain(request)}</code>
                </Link>,
              ]
            : undefined,
        ]}
      />
      {children}
      <h2 className="text-base font-semibold mt-4 mb-1">
        The entry <Copy text={text} />
      </h2>
      <div className="border border-line p-3">
        <Verbatim block text={text} />
      </div>
    </>
  )
}
