<?php
// PHP's mysqlnd by mysqli and by PDO, with prepared statements of the server; prints what it sees.
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$ca = getenv('MYSQL_CA');
[$port, $user, $secret] = [(int) getenv('MYSQL_PORT'), getenv('MYSQL_USER'), getenv('MYSQL_SECRET')];
$db = mysqli_init();
if ($ca) $db->ssl_set(null, null, $ca, null, null);
$db->real_connect('127.0.0.1', $user, $secret, 'shop', $port, null, $ca ? MYSQLI_CLIENT_SSL : 0);
$db->set_charset('utf8mb4');
$say = fn($what) => print(json_encode($what, JSON_UNESCAPED_UNICODE | JSON_PARTIAL_OUTPUT_ON_ERROR) . "\n");
$say($db->query('select id, name, born, balance, active, nothing from people order by id limit 5')->fetch_all(MYSQLI_ASSOC));
$db->query('drop table if exists work_php');
$db->query('create table work_php (id int primary key, t longtext, f double, d datetime)');
$insert = $db->prepare('insert into work_php values (?, ?, ?, ?)');
for ($i = 0; $i < 50; $i++) {
    $text = "text $i é";
    $number = $i / 4;
    $day = $i % 2 ? null : '2024-02-29 12:34:56';
    $insert->bind_param('isds', $i, $text, $number, $day);
    $insert->execute();
}
$select = $db->prepare('select id, t, f, d from work_php where id < ? order by id');
$most = 4;
$select->bind_param('i', $most);
$select->execute();
$say($select->get_result()->fetch_all());
$long = $db->prepare('insert into work_php (id, t) values (900, ?)');
$null = null;
$long->bind_param('b', $null);
for ($i = 0; $i < 20; $i++) $long->send_long_data(0, str_repeat(chr(97 + $i), 50000));
$long->execute();
$say($db->query('select length(t), md5(t) from work_php where id = 900')->fetch_row());
foreach (['selec 1', 'select * from nowhere', 'insert into work_php (id) values (1)'] as $text) {
    try {
        $db->query($text);
    } catch (mysqli_sql_exception $error) {
        $said = $error->getCode() === 1064 ? '' : $error->getMessage();
        $say([$error->getCode(), $error->getSqlState(), $said]);
    }
}
$db->begin_transaction();
$db->query('delete from work_php');
$say($db->affected_rows);
$db->rollback();
$say($db->query('select count(*) from work_php')->fetch_row());
$say($db->multi_query('select 1; select 2; select count(*) from people'));
do {
    $say($db->store_result()->fetch_all());
} while ($db->next_result());
$say($db->query('call two_results()')->fetch_all());
while ($db->next_result()) if ($more = $db->store_result()) $say($more->fetch_all());
$say($db->ping());
$db->begin_transaction();
$db->query('delete from work_php');
$db->query('set @mine = 1');
$say($db->change_user($user, $secret, 'shop'));
$say($db->query('select count(*), @mine from work_php')->fetch_row());
$db->close();
// The second of two persistent connections is the first one, with its user changed.
$open = function () use ($ca, $port, $user, $secret) {
    $kept = mysqli_init();
    if ($ca) $kept->ssl_set(null, null, $ca, null, null);
    $kept->real_connect('p:127.0.0.1', $user, $secret, 'shop', $port, null, $ca ? MYSQLI_CLIENT_SSL : 0);
    return $kept;
};
$kept = $open();
$first = $kept->thread_id;
$kept->query('set @mine = 1');
$kept->query('create temporary table mine (id int)');
$kept->close();
$kept = $open();
$say([$kept->thread_id === $first, $kept->query('select @mine')->fetch_row()]);
try {
    $kept->query('select * from mine');
} catch (mysqli_sql_exception $error) {
    $say([$error->getCode(), $error->getMessage()]);
}
$kept->close();

$options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_EMULATE_PREPARES => false];
if ($ca) $options[PDO::MYSQL_ATTR_SSL_CA] = $ca;
$pdo = new PDO("mysql:host=127.0.0.1;port=$port;dbname=shop;charset=utf8mb4", $user, $secret, $options);
$found = $pdo->prepare('select id, name, balance from people where id between :low and :high order by id');
$found->execute(['low' => 2, 'high' => 4]);
$say($found->fetchAll(PDO::FETCH_ASSOC));
$pdo->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, false);
$rows = $pdo->query('select a.id from people a, people b, people c');
$count = 0;
while ($rows->fetch()) $count++;
$say($count);
$rows->closeCursor();
$pdo->exec('drop table work_php');
