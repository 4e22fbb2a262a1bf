# PyMySQL or mysqlclient, as an application would use it; prints what it sees. Where to is in the environment.
import importlib
import os
import sys

name = sys.argv[1]
driver = importlib.import_module(name)
cursors = importlib.import_module(name + '.cursors')


def connect(**more):
    ca = os.environ.get('MYSQL_CA')
    tls = {'ssl': {'ca': ca}} if ca else {}
    return driver.connect(
        host='127.0.0.1',
        port=int(os.environ['MYSQL_PORT']),
        user=os.environ['MYSQL_USER'],
        password=os.environ['MYSQL_SECRET'],
        database='shop',
        charset='utf8mb4',
        **tls,
        **more,
    )


def attempt(what, work):
    try:
        print(what, work())
    except Exception as error:
        # The words of a syntax error are the gateway's own.
        print(what, type(error).__name__, error.args[:1] if error.args[0] == 1064 else error.args)


connection = connect()
cursor = connection.cursor()
cursor.execute('select id, name, born, balance, active, photo, nothing from people order by id limit 5')
print([column[0:2] for column in cursor.description])
for row in cursor.fetchall():
    print(row)
cursor.execute('select name from people where id = %s and name = %s', (2, 'Bob O\'Brien'))
print(cursor.fetchall())
cursor.execute('drop table if exists work')
cursor.execute('create table work (id int primary key, t longtext, b longblob)')
print('created', cursor.rowcount)
cursor.executemany('insert into work (id, t) values (%s, %s)', [(i, 'text %d' % i) for i in range(200)])
connection.commit()
print('many', cursor.rowcount)
# (Bytes in a text are no UTF-8: they go as hexadecimal digits.)
cursor.execute('insert into work values (%s, %s, unhex(%s))', (1000, 'é名前😀', bytes(range(256)).hex()))
cursor.execute('select t, b from work where id = 1000')
print(cursor.fetchall())
connection.rollback()
cursor.execute('select count(*) from work')
print('after rollback', cursor.fetchall())
big = 'x' * 900_000
cursor.execute('insert into work values (2000, %s, null)', (big,))
cursor.execute('select length(t), t from work where id = 2000')
length, text = cursor.fetchone()
print('big', length, text == big)
connection.commit()
attempt('syntax', lambda: cursor.execute('selec 1'))
attempt('no table', lambda: cursor.execute('select * from nowhere'))
attempt('duplicate', lambda: cursor.execute("insert into work (id) values (1)"))
cursor.execute("insert ignore into work (id) values (1)")
cursor.execute('show warnings')
print(cursor.fetchall())
cursor.execute('update work set t = %s where id < 10', ('changed',))
print('updated', cursor.rowcount)
streaming = connect(cursorclass=cursors.SSCursor)
reader = streaming.cursor()
reader.execute('select a.id, b.id from people a, people b, people c')
print('streamed', sum(1 for _ in reader))
reader.close()
streaming.close()
cursor.callproc('two_results', ())
print(cursor.fetchall())
while cursor.nextset():
    print(cursor.fetchall())
print('ping', connection.ping() is None)
connection.select_db('shop')
cursor.execute('select database()')
print(cursor.fetchall())
if hasattr(connection, 'change_user'):
    cursor.execute('insert into work (id) values (3000)')
    cursor.execute('create temporary table mine (id int)')
    connection.change_user(os.environ['MYSQL_USER'], os.environ['MYSQL_SECRET'], 'shop')
    cursor.execute('select count(*), database() from work where id = 3000')
    print('changed user', cursor.fetchall())
    attempt('its table', lambda: cursor.execute('select * from mine'))
cursor.execute('drop table work')
connection.close()
