// The walk that the demo offers: lines that work when pasted into any other terminal, in this order.

export interface Step {
  /** What will be seen. */
  readonly title: string
  readonly line: string
  /** What `sallyport demo --once` must find in what the line prints, and what must not be there. */
  readonly shows: readonly RegExp[]
  readonly hides?: readonly RegExp[]
  /** The exit status that a shell sees. */
  readonly status: 0 | 1
  /** True when the line waits for the next one, which is pasted into a third terminal. */
  readonly waits?: boolean
}

/** The steps. `folder` holds the files that the lines use; `client` is `psql`, or its stand-in; `curl` is there, or is not. */
export function stepsOf(folder: string, client: 'psql' | 'sql', curl: boolean): readonly Step[] {
  const as = (who: string, line: string) => `. ${folder}/${who}; ${line}`
  const ask = (text: string) => `${client} -c "${text}"`
  const people = 'select name, email, card, ssn, city from customers order by id limit 3'
  const overHttp: readonly Step[] = [
    {
      title: 'An HTTP service: the agent reads an invoice, masked, and has no key of it',
      line: as('order-bot', 'api /invoices/7'),
      shows: [/Ivo Fuchs/, /129\.5/],
      hides: [/ivo\.fuchs@/, /4111 1111/],
      status: 0,
    },
    {
      title: 'The agent asks it for a refund: refused, and told why',
      line: as('order-bot', 'api /refunds -d amount=129'),
      shows: [/agents make no refunds/],
      status: 1,
    },
  ]
  return [
    {
      title: 'The agent reads customers: e-mail, card and SSN are masked',
      line: as('order-bot', ask(people)),
      shows: [/Ivo Fuchs/, /Lisbon/, /3 rows/],
      hides: [/ivo\.fuchs1@/, /4459 4902/, /912-54-7610/],
      status: 0,
    },
    {
      title: 'The analyst may see e-mail addresses, and nothing else of it',
      line: as('ana', ask(people)),
      shows: [/ivo\.fuchs1@example\.org/],
      hides: [/4459 4902/, /912-54-7610/],
      status: 0,
    },
    {
      title: 'The agent deletes without WHERE: blocked, and told why',
      line: as('order-bot', ask('delete from orders')),
      shows: [/a write needs a WHERE/, /no-unfiltered-writes/],
      status: 1,
    },
    {
      title: 'The agent changes one row: held until a person says yes (go on with the next line)',
      line: as('order-bot', ask("update customers set city = 'Oslo' where id = 7")),
      shows: [/UPDATE 1/],
      status: 0,
      waits: true,
    },
    {
      title: 'The DBA sees what is asked and approves it, in a third terminal: the agent goes on',
      line: as('dora', 'sallyport requests; sallyport approve "$(latest requests)"'),
      shows: [/update customers/],
      status: 0,
    },
    {
      title: 'The DBA looks at all sessions, and replays the last of the agent',
      line: as('dora', 'sallyport sessions; sallyport session replay "$(latest sessions)"'),
      shows: [/update customers set city/],
      status: 0,
    },
    {
      title: 'Why? The policies that decide a statement, without running it',
      line: as('order-bot', 'sallyport policy why shop "delete from orders where id = 1"'),
      shows: [/agents-write-with-a-person/],
      status: 0,
    },
    ...(curl ? overHttp : []),
    {
      title: 'Anybody can check that the log is whole and unaltered, without the gateway',
      line: as('dora', `sallyport audit verify --data ${folder}/data`),
      shows: [/./],
      status: 0,
    },
  ]
}
