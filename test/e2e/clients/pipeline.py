"""libpq's pipeline mode through psycopg 3: many statements on their way before the first answer is read.
Connects by the PG* environment; the argument `denied` sends a statement that policy refuses."""
import sys
import psycopg

say = lambda *what: print(*[repr(x) for x in what])
with psycopg.connect("", autocommit=True) as db:
    with db.pipeline():
        cursors = [db.execute("select %s::int * 2", (i,)) for i in range(200)]
    say(sum(c.fetchone()[0] for c in cursors))
    # An error in the middle: what was before it in the same implicit transaction is undone.
    db.execute("create temp table p (a int primary key)")
    try:
        with db.pipeline():
            db.execute("insert into p values (%s)", (1,))
            db.execute("insert into p values (%s)", (1,))
            db.execute("insert into p values (%s)", (2,))
    except psycopg.Error as error:
        say(error.sqlstate)
    say(db.execute("select count(*) from p").fetchone())
    # Several Syncs: each stands alone.
    seen = []
    with db.pipeline() as pipe:
        for value in (3, 3, 4):
            c = db.execute("insert into p values (%s)", (value,))
            try:
                pipe.sync()
                seen.append(c.rowcount)
            except psycopg.Error as error:
                seen.append(error.sqlstate)
    say(seen, db.execute("select array_agg(a order by a) from p").fetchone())
    if "denied" in sys.argv:
        try:
            with db.pipeline():
                db.execute("insert into p values (%s)", (10,))
                db.execute("delete from orders where id = %s", (1,))
                db.execute("insert into p values (%s)", (11,))
        except psycopg.Error as error:
            say(error.sqlstate)
        say(db.execute("select count(*) from p where a >= 10").fetchone())
        say(db.execute("select count(*) from orders where id = 1").fetchone())
    cur = db.cursor(binary=True)
    cur.execute("select 7::int8, 'text', '2026-05-06'::date, 1.25::numeric, null::text", prepare=True)
    say(cur.fetchone())
    for _ in range(8):
        row = db.execute("select name from customers where id = %s", (5,), prepare=True).fetchone()
    say(row)
    with db.cursor().copy("copy (select id, city from customers order by id limit 4) to stdout") as copy:
        say(list(copy.rows()))
    with db.transaction():
        with db.cursor(name="walk") as walk:
            walk.execute("select id from customers order by id")
            say(len(walk.fetchmany(40)), len(walk.fetchall()))
