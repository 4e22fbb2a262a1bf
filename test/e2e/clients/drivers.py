"""psycopg2 at work: what applications do with it, in the order they do it. Prints what it saw.
Connects by the PG* environment."""
import datetime, decimal, io, select, sys, threading
import psycopg2, psycopg2.extras, psycopg2.errors

db = psycopg2.connect("")
say = lambda *what: print(*[repr(x) for x in what])
c = db.cursor()
c.execute("select 1, 'a', null, 1.5::numeric, true, '{1,2}'::int[], '2026-01-02'::date, '\\x00ff'::bytea")
row = c.fetchone()
say(row[:7], bytes(row[7]))
c.execute("select name, city from customers where id = %s and city <> %s", (7, "it's"))
say(c.fetchall(), [d[0] for d in c.description])
c.execute("create temp table t (a int, b text, c timestamptz, d jsonb)")
psycopg2.extras.execute_values(c, "insert into t values %s", [(i, "row %d" % i, None, psycopg2.extras.Json({"i": i})) for i in range(500)])
c.execute("select count(*), min(b), max(a), d->>'i' from t group by d having d->>'i' = '42'")
say(c.fetchall())
c.execute("update t set b = b || '!' where a < 10 returning a")
say(sorted(c.fetchall()), c.rowcount)
db.commit()
try:
    c.execute("select 1/0")
except psycopg2.errors.DivisionByZero as error:
    say(error.pgcode, db.get_transaction_status())
db.rollback()
with db.cursor("named") as named:
    named.itersize = 50
    named.execute("select id from customers order by id")
    say(sum(r[0] for r in named))
db.commit()
out = io.StringIO()
c.copy_expert("copy (select a, b from t order by a limit 3) to stdout", out)
say(out.getvalue())
c.copy_expert("copy t (a, b) from stdin", io.StringIO("1000\tx\n1001\t\\N\n"))
say(c.rowcount)
c.execute("select a, b from t where a >= 1000 order by a")
say(c.fetchall())
db.commit()
db.autocommit = True
c.execute("listen ping")
c.execute("notify ping, 'pong'")
db.poll()
say([(n.channel, n.payload) for n in db.notifies])
timer = threading.Timer(0.5, db.cancel)
timer.start()
try:
    c.execute("select pg_sleep(20)")
except psycopg2.errors.QueryCanceled as error:
    say(error.pgcode)
c.execute("do $$ begin raise notice 'noted'; end $$")
say(db.notices[-1])
c.execute("select repeat('z', 2000000)")
say(len(c.fetchone()[0]))
c.callproc("lower", ["ABC"])
say(c.fetchall())
say(db.server_version > 150000, db.encoding, db.get_parameter_status("standard_conforming_strings"))
db.close()
