// Made-up customers and their orders. The same numbers give the same people each time, and no value
// belongs to anybody: the domains are reserved (RFC 2606), the telephone numbers are the fictional
// 555-01xx, the cards are test numbers with a right check digit, the social security numbers never issued.

const FIRST = [
  'Ada',
  'Bruno',
  'Chen',
  'Dalia',
  'Emil',
  'Farah',
  'Goran',
  'Hana',
  'Ivo',
  'Jun',
  'Kaya',
  'Lena',
  'Mio',
  'Noor',
  'Omar',
  'Pia',
]
const LAST = [
  'Abel',
  'Berg',
  'Costa',
  'Diaz',
  'Evans',
  'Fuchs',
  'Gupta',
  'Haas',
  'Ito',
  'Jansen',
  'Kim',
  'Lund',
  'Moreau',
  'Novak',
  'Okafor',
  'Petit',
]
const CITIES = ['Lisbon', 'Oslo', 'Vienna', 'Nairobi', 'Kyoto', 'Lima', 'Ghent', 'Tartu']
const ITEMS = ['lamp', 'desk', 'chair', 'kettle', 'rug', 'clock', 'shelf', 'mirror']
const NOTES = [
  '',
  '',
  '',
  'gift wrap',
  'leave at the door',
  'call first',
  'invoice to office@example.org',
]

/** SQL that makes the two tables and fills them. Run it as the owner of the database's `public` schema. */
export function shopSql(customers = 3000, orders = customers * 3): string {
  const next = sequence(20260101)
  const people = Array.from({ length: customers }, (_, index) => customer(index + 1, next))
  const sales = Array.from({ length: orders }, (_, index) => order(index + 1, customers, next))
  return `
create table customers (
  id integer primary key,
  name text not null,
  email text not null,
  phone text,
  card varchar(19),
  ssn char(11),
  city text not null,
  born date not null,
  balance numeric(10,2) not null default 0
);
create table orders (
  id integer primary key,
  customer_id integer not null references customers,
  item text not null,
  amount numeric(10,2) not null,
  placed timestamptz not null,
  note text
);
create view big_spenders as
  select c.id, c.name, c.email, sum(o.amount) as spent
  from customers c join orders o on o.customer_id = c.id
  group by c.id having sum(o.amount) > 1000;
${inserts('customers', people)}
${inserts('orders', sales)}
create index orders_customer on orders (customer_id);
analyze customers; analyze orders;
`
}

/** Gives everything that `shopSql` made to a role. */
export function shopOwner(role: string): string {
  const name = `"${role.replaceAll('"', '""')}"`
  return ['table customers', 'table orders', 'view big_spenders']
    .map(object => `alter ${object} owner to ${name};`)
    .join('\n')
}

function customer(id: number, next: (below: number) => number): string {
  const first = pick(FIRST, next)
  const last = pick(LAST, next)
  const email = `${first}.${last}${id}@example.${pick(['com', 'org', 'net'], next)}`.toLowerCase()
  const phone = `+1-${200 + next(700)}-555-01${String(next(100)).padStart(2, '0')}`
  const ssn = `9${digits(2, next)}-${10 + next(60)}-${1000 + next(9000)}`
  const born = `${1940 + next(65)}-${two(1 + next(12))}-${two(1 + next(28))}`
  return row([
    id,
    `${first} ${last}`,
    email,
    phone,
    card(next),
    ssn,
    pick(CITIES, next),
    born,
    cents(90000, next),
  ])
}

function order(id: number, customers: number, next: (below: number) => number): string {
  const placed = `2026-${two(1 + next(10))}-${two(1 + next(28))} ${two(next(24))}:${two(next(60))}:00+00`
  return row([
    id,
    1 + next(customers),
    pick(ITEMS, next),
    cents(80000, next),
    placed,
    pick(NOTES, next),
  ])
}

/** A Visa test number: 4, fourteen digits, and the check digit of ISO/IEC 7812-1 (Luhn). */
function card(next: (below: number) => number): string {
  const digit = [4, ...digits(14, next)].map(Number)
  const sum = digit
    .map((value, index) => (index % 2 === 0 ? value * 2 : value))
    .reduce((total, value) => total + (value > 9 ? value - 9 : value), 0)
  const number = [...digit, (10 - (sum % 10)) % 10].join('')
  return (number.match(/.{4}/g) ?? []).join(' ')
}

function inserts(table: string, rows: readonly string[]): string {
  const texts: string[] = []
  for (let from = 0; from < rows.length; from += 500) {
    texts.push(`insert into ${table} values\n${rows.slice(from, from + 500).join(',\n')};`)
  }
  return texts.join('\n')
}

function row(values: readonly (string | number)[]): string {
  const literals = values.map(value =>
    typeof value === 'number'
      ? String(value)
      : value === ''
        ? 'null'
        : `'${value.replaceAll("'", "''")}'`,
  )
  return `(${literals.join(',')})`
}

const two = (value: number) => String(value).padStart(2, '0')
const cents = (below: number, next: (below: number) => number) => (next(below) / 100).toFixed(2)
const digits = (count: number, next: (below: number) => number) =>
  Array.from({ length: count }, () => next(10)).join('')

function pick<T>(values: readonly T[], next: (below: number) => number): T {
  const value = values[next(values.length)]
  if (value === undefined) throw new RangeError('nothing to pick from')
  return value
}

/** A small generator (mulberry32): the same start, the same people. */
function sequence(start: number): (below: number) => number {
  let state = start
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
