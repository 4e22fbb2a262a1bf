import java.sql.*;
import java.util.Properties;

/** MariaDB's connector for Java, text and server-prepared; prints what it sees. Arguments: URL, user, secret. */
public class MysqlDrive {
  public static void main(String[] args) throws Exception {
    try (Connection db = DriverManager.getConnection(args[0], args[1], args[2])) {
      drive(db, "text");
    }
    try (Connection db = DriverManager.getConnection(args[0] + "&useServerPrepStmts=true", args[1], args[2])) {
      drive(db, "prepared");
    }
  }

  static void drive(Connection db, String how) throws Exception {
    System.out.println(how);
    try (PreparedStatement s = db.prepareStatement("select id, name, born, balance, active, nothing from people where id <= ? order by id")) {
      s.setInt(1, 4);
      print(s.executeQuery());
      print(s.executeQuery());
    }
    try (Statement s = db.createStatement()) {
      s.execute("drop table if exists work_java");
      s.execute("create table work_java (id int primary key auto_increment, t longtext, d datetime(3), n decimal(10,2))");
    }
    try (PreparedStatement s = db.prepareStatement("insert into work_java (t, d, n) values (?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
      for (int i = 0; i < 50; i++) {
        s.setString(1, "text " + i + " é");
        s.setTimestamp(2, Timestamp.valueOf("2024-02-29 12:34:56.789"));
        s.setBigDecimal(3, new java.math.BigDecimal("12.34"));
        s.addBatch();
      }
      System.out.println("batch " + s.executeBatch().length);
      ResultSet keys = s.getGeneratedKeys();
      keys.next();
      System.out.println("key " + keys.getInt(1));
    }
    db.setAutoCommit(false);
    try (Statement s = db.createStatement()) {
      System.out.println("deleted " + s.executeUpdate("delete from work_java where id < 10"));
      Savepoint here = db.setSavepoint("here");
      s.executeUpdate("delete from work_java");
      db.rollback(here);
      print(s.executeQuery("select count(*) from work_java"));
      db.rollback();
      print(s.executeQuery("select count(*) from work_java"));
    }
    db.setAutoCommit(true);
    try (PreparedStatement s = db.prepareStatement("insert into work_java (t) values (?)")) {
      char[] big = new char[900_000];
      java.util.Arrays.fill(big, 'y');
      s.setString(1, new String(big));
      s.executeUpdate();
    }
    try (Statement s = db.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
      print(s.executeQuery("select length(t) from work_java order by id desc limit 1"));
      s.setFetchSize(100);
      ResultSet rows = s.executeQuery("select a.id from people a, people b, people c");
      int count = 0;
      while (rows.next()) count++;
      System.out.println("streamed " + count);
    }
    for (String text : new String[] {"selec 1", "select * from nowhere", "insert into work_java (id) values (11)"}) {
      try (Statement s = db.createStatement()) {
        s.execute(text);
      } catch (SQLException e) {
        System.out.println(e.getErrorCode() + " " + e.getSQLState());
      }
    }
    try (CallableStatement s = db.prepareCall("call two_results()")) {
      boolean more = s.execute();
      while (more) {
        print(s.getResultSet());
        more = s.getMoreResults();
      }
    }
    DatabaseMetaData data = db.getMetaData();
    ResultSet columns = data.getColumns("shop", null, "people", null);
    while (columns.next()) System.out.println(columns.getString("COLUMN_NAME") + " " + columns.getString("TYPE_NAME"));
    ResultSet keys = data.getPrimaryKeys("shop", null, "people");
    while (keys.next()) System.out.println("key " + keys.getString("COLUMN_NAME"));
    System.out.println("valid " + db.isValid(2));
    try (Statement s = db.createStatement()) {
      s.execute("drop table work_java");
    }
  }

  static void print(ResultSet rows) throws SQLException {
    int count = rows.getMetaData().getColumnCount();
    while (rows.next()) {
      StringBuilder line = new StringBuilder();
      for (int i = 1; i <= count; i++) line.append(rows.getMetaData().getColumnLabel(i)).append('=').append(rows.getString(i)).append(' ');
      System.out.println(line.toString().trim());
    }
    rows.close();
  }
}
