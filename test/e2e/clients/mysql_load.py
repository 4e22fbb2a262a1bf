# PyMySQL or mysqlclient loads a file of its own; prints what it sees. Where to is in the environment, the file is an argument.
import importlib
import os
import sys

driver = importlib.import_module(sys.argv[1])
file = sys.argv[2]
ca = os.environ.get('MYSQL_CA')
connection = driver.connect(
    host='127.0.0.1',
    port=int(os.environ['MYSQL_PORT']),
    user=os.environ['MYSQL_USER'],
    password=os.environ['MYSQL_SECRET'],
    database='shop',
    charset='utf8mb4',
    local_infile=True,
    **({'ssl': {'ca': ca}} if ca else {}),
)
cursor = connection.cursor()
cursor.execute('delete from stock')


def attempt(text):
    try:
        print(cursor.execute(text))
    except Exception as error:
        print(type(error).__name__, error.args)


attempt(f"load data local infile '{file}' into table stock fields terminated by ','")
attempt(f"load data local infile '{file}' into table stock fields terminated by ',' (id, @n) set name = upper(@n)")
attempt(f"load data local infile '{file}' replace into table stock fields terminated by ',' (id, @n) set name = upper(@n)")
attempt(f"load data local infile '{file}.not-there' into table stock")
connection.commit()
cursor.execute('select count(*), min(id), max(id), md5(group_concat(name order by id)) from stock')
print(cursor.fetchall())
