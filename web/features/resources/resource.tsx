// One resource: how to connect, as lines to paste, and who is connected.
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ResourceView } from '#contract'
import { Copy, Empty, Facts, Failure, Mark, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { counted, useLiveSessions, useResources } from './data.ts'
import { LiveCount, tagsOf } from './parts.tsx'

const route = getRouteApi('/resources/$name')

export function ResourcePage() {
  const { name } = route.useParams()
  const resources = useResources()
  const found = resources.data?.find(each => each.name === name)
  return (
    <article className="overflow-auto p-4 max-w-4xl w-full">
      <p className="m-0 text-soft">
        <Link to="/resources">Resources</Link> /{' '}
        <code className="wrap-anywhere">{plain(name)}</code>
      </p>
      {resources.error && (
        <Failure error={resources.error} again={() => void resources.refetch()} />
      )}
      {resources.isPending && <p className="text-soft">reading …</p>}
      {found !== undefined && <Resource key={name} resource={found} />}
      {resources.data !== undefined && found === undefined && (
        <Empty title="There is no such resource that you may see.">
          It may have been taken out of the configuration, or your right to it has ended.
        </Empty>
      )}
    </article>
  )
}

function Resource({ resource }: { resource: ResourceView }) {
  const { name, endpoint } = resource
  const live = useLiveSessions(name)
  const sessions = live.data === undefined ? undefined : counted(live.data)
  return (
    <>
      <h1 className="text-lg font-semibold my-2 wrap-anywhere">{plain(name)}</h1>
      <Facts
        rows={[
          ['protocol', plain(resource.label ?? resource.protocol)],
          ['tags', tagsOf(resource) || 'none'],
          [
            'address',
            endpoint === undefined
              ? 'none: the gateway does not listen for this protocol'
              : plain(`${endpoint.host}:${endpoint.port}`),
          ],
          [
            'live sessions',
            <span key="l" className="flex flex-wrap gap-x-3">
              {sessions !== undefined && (
                <LiveCount value={sessions.of.get(name) ?? 0} least={sessions.least} />
              )}
              {live.error && (
                <Mark tone="denied" glyph="✕">
                  cannot be read, or old
                </Mark>
              )}
              <Link to="/sessions" search={{ resource: name, live: true }}>
                which you may see
              </Link>
            </span>,
          ],
        ]}
      />
      <p className="my-3">
        <Link to="/requests/ask" search={{ resource: name }}>
          Ask for more, for a time
        </Link>
      </p>
      <h2 className="text-base font-semibold mt-6 mb-1">How to connect</h2>
      <p className="text-soft m-0">
        No secret stands in these lines. A local port that asks no password, for any tool, until you
        stop it:
      </p>
      <Line text={`sallyport connect ${name}`} />
      {resource.connect.length > 0 && (
        <>
          <p className="text-soft m-0 mt-4">
            Or directly, with a token, a credential, or the URL that drivers take:
          </p>
          {resource.connect.map(each => (
            <Line key={each} text={each} />
          ))}
        </>
      )}
    </>
  )
}

function Line({ text }: { text: string }) {
  return (
    <div className="flex items-start gap-2 border border-line my-1 p-2">
      <div className="min-w-0 flex-1">
        <Verbatim block text={text} />
      </div>
      <Copy text={text} />
    </div>
  )
}
