// One right for a time: who, what, until when, why, from whom; and how to take it away.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type GrantView, paths } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { useMay } from '../../data/who.ts'
import { Button, Empty, Facts, Failure, Time, useNow, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { MOST, stateOf, useGrants } from './data.ts'
import { State, Until } from './parts.tsx'

const route = getRouteApi('/grants/$id')

export function GrantPage() {
  const { id } = route.useParams()
  const grants = useGrants(true)
  const found = grants.data?.find(each => each.id === id)
  return (
    <article className="overflow-auto p-4 max-w-4xl w-full">
      <p className="m-0 text-soft">
        <Link to="/grants">Grants</Link> / <code className="wrap-anywhere">{plain(id)}</code>
      </p>
      {grants.error && <Failure error={grants.error} again={() => void grants.refetch()} />}
      {grants.isPending && <p className="text-soft">reading …</p>}
      {found !== undefined && <Grant key={id} grant={found} />}
      {grants.data !== undefined && found === undefined && (
        <Empty title="There is no such grant that you may see.">
          {grants.data.length === MOST && 'Only the newest thousand are looked at here.'}
        </Empty>
      )}
    </article>
  )
}

function Grant({ grant }: { grant: GrantView }) {
  return (
    <>
      <div className="flex flex-wrap gap-4 items-baseline my-2">
        <h1 className="text-lg font-semibold m-0 wrap-anywhere">
          {plain(grant.principal)} on {plain(grant.resource)}
        </h1>
        <State grant={grant} />
        <Until grant={grant} />
      </div>
      <Revoke grant={grant} />
      <Facts
        rows={[
          ['may', grant.actions.map(plain).join(', ')],
          ['on', plain(grant.resource)],
          ['reason', <Verbatim key="r" text={grant.reason} />],
          [
            'given by',
            grant.breakGlass === true
              ? 'nobody: the glass was broken'
              : grant.approvedBy.map(plain).join(', '),
          ],
          grant.maxUses === undefined
            ? undefined
            : ['sessions', `${grant.uses ?? 0} of ${grant.maxUses} were opened`],
          grant.request === undefined
            ? undefined
            : [
                'asked for',
                <Link key="q" to="/requests/$id" params={{ id: grant.request }}>
                  <code>{plain(grant.request)}</code>
                </Link>,
              ],
          ['given', <Time key="c" at={grant.createdAt} />],
          ['until', <Time key="u" at={grant.expiresAt} />],
          grant.revokedAt === undefined
            ? undefined
            : ['revoked', <Time key="v" at={grant.revokedAt} />],
        ]}
      />
    </>
  )
}

/** Asks once. */
function Revoke({ grant }: { grant: GrantView }) {
  const client = useQueryClient()
  const may = useMay('console:operate')
  const [asked, setAsked] = useState(false)
  const revoke = useMutation({
    mutationFn: () => call<GrantView>(at(paths.grant, { id: grant.id }), { method: 'DELETE' }),
    onSettled: () => {
      setAsked(false)
      void client.invalidateQueries({ queryKey: ['grants'] })
    },
  })
  const holds = stateOf(grant, useNow()) === 'in force'
  return (
    <div className="my-3">
      {holds && may && !asked && <Button onClick={() => setAsked(true)}>Revoke</Button>}
      {holds && may && asked && (
        <div className="flex flex-wrap gap-2 items-center">
          <Button look="no" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
            Revoke it now
          </Button>
          <Button onClick={() => setAsked(false)}>Let it hold</Button>
          <span className="text-soft">Sessions that rest on it end within two seconds.</span>
        </div>
      )}
      {holds && !may && <p className="m-0 text-soft">You may see this right, and not revoke it.</p>}
      {revoke.error && <Failure error={revoke.error} />}
    </div>
  )
}
