<?php
// PHP's mysqli and PDO load a file of their own; print what they see.
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$ca = getenv('MYSQL_CA');
[$port, $user, $secret, $file] = [(int) getenv('MYSQL_PORT'), getenv('MYSQL_USER'), getenv('MYSQL_SECRET'), $argv[1]];
$db = mysqli_init();
$db->options(MYSQLI_OPT_LOCAL_INFILE, 1);
if ($ca) $db->ssl_set(null, null, $ca, null, null);
$db->real_connect('127.0.0.1', $user, $secret, 'shop', $port, null, $ca ? MYSQLI_CLIENT_SSL : 0);
$db->query('delete from stock');
$db->query("load data local infile '$file' into table stock fields terminated by ','");
print($db->affected_rows . ' ' . $db->info . "\n");
print(json_encode($db->query('select count(*), max(id) from stock')->fetch_row()) . "\n");
$pdo = new PDO("mysql:host=127.0.0.1;port=$port;dbname=shop;charset=utf8mb4", $user, $secret, [
    PDO::MYSQL_ATTR_LOCAL_INFILE => true,
    PDO::MYSQL_ATTR_SSL_CA => $ca,
]);
print($pdo->exec("load data local infile '$file' replace into table stock fields terminated by ','") . "\n");
print(json_encode($pdo->query('select count(*) from stock')->fetch(PDO::FETCH_NUM)) . "\n");
