// The end of all that proves who somebody is: asked once, for who may operate.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type PrincipalDetail, paths } from '#contract'
import { call } from '../../data/gateway.ts'
import { useMay } from '../../data/who.ts'
import { Button, Failure } from '../../ui/parts.tsx'
import { many } from '../../ui/text.ts'

const LASTING = [
  [0, 'a new proof counts'],
  [3_600, 'none counts for an hour'],
  [86_400, 'none counts for a day'],
] as const

export function Withdraw({ person: { id, live } }: { person: PrincipalDetail }) {
  const client = useQueryClient()
  const may = useMay('console:operate')
  const [asked, setAsked] = useState(false)
  const [seconds, setSeconds] = useState(0)
  const withdraw = useMutation({
    mutationFn: () => call(paths.withdraw, { method: 'POST', body: { principal: id, seconds } }),
    onSuccess: () => {
      setAsked(false)
      return client.invalidateQueries({ queryKey: ['person', 'one', id] })
    },
  })
  if (!may) return null
  return (
    <div className="my-3">
      {asked ? (
        <form
          className="flex flex-wrap gap-2 items-baseline"
          onSubmit={event => {
            event.preventDefault()
            withdraw.mutate()
          }}
        >
          <span>
            Refuses every token, sign-in and credential that was made so far, also of agents that
            they own or that act for them, and ends {many(live, 'session')} and those. After that
          </span>
          <select
            aria-label="after that"
            className="border border-line bg-paper px-2 py-1.5"
            value={seconds}
            onChange={event => setSeconds(Number(event.target.value))}
          >
            {LASTING.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
          <Button look="no" type="submit" disabled={withdraw.isPending}>
            Withdraw it now
          </Button>
          <Button onClick={() => setAsked(false)}>Let it count</Button>
          {withdraw.error && <Failure error={withdraw.error} />}
        </form>
      ) : (
        <Button onClick={() => setAsked(true)}>Withdraw identity</Button>
      )}
    </div>
  )
}
