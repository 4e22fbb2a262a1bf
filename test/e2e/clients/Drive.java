// The JDBC driver at work. Arguments: URL, user, password. Prints what it saw.
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.util.Properties;
import org.postgresql.PGConnection;

public class Drive {
  static void say(Object... what) {
    StringBuilder line = new StringBuilder();
    for (Object each : what) line.append(each).append(' ');
    System.out.println(line.toString().trim());
  }

  public static void main(String[] given) throws Exception {
    Properties settings = new Properties();
    settings.setProperty("user", given[1]);
    settings.setProperty("password", given[2]);
    try (Connection db = DriverManager.getConnection(given[0], settings)) {
      DatabaseMetaData meta = db.getMetaData();
      try (ResultSet columns = meta.getColumns(null, "public", "customers", null)) {
        while (columns.next()) say(columns.getString("COLUMN_NAME"), columns.getString("TYPE_NAME"));
      }
      // Enough executions that the driver turns to a named statement and to binary results.
      try (PreparedStatement one = db.prepareStatement("select id, name, born, balance from customers where id = ?")) {
        for (int id = 1; id <= 12; id++) {
          one.setInt(1, id);
          try (ResultSet row = one.executeQuery()) {
            row.next();
            if (id == 1 || id == 12) say(row.getInt(1), row.getString(2), row.getDate(3), row.getBigDecimal(4));
          }
        }
      }
      db.setAutoCommit(false);
      try (Statement walk = db.createStatement()) {
        walk.setFetchSize(50); // a portal that is suspended and resumed
        int count = 0;
        try (ResultSet rows = walk.executeQuery("select id from customers order by id")) {
          while (rows.next()) count++;
        }
        say("walked", count);
        walk.execute("create temp table t (a int, b text, primary key (a))");
      }
      try (PreparedStatement insert = db.prepareStatement("insert into t values (?, ?)")) {
        for (int i = 0; i < 300; i++) {
          insert.setInt(1, i);
          insert.setString(2, i % 7 == 0 ? null : "row " + i);
          insert.addBatch();
        }
        say("batch", insert.executeBatch().length);
      }
      Savepoint before = db.setSavepoint();
      try (Statement bad = db.createStatement()) {
        bad.executeUpdate("insert into t values (1, 'again')");
      } catch (SQLException error) {
        say("refused", error.getSQLState());
      }
      db.rollback(before);
      db.commit();
      db.setAutoCommit(true);
      try (Statement counted = db.createStatement(); ResultSet row = counted.executeQuery("select count(*), count(b) from t")) {
        row.next();
        say(row.getInt(1), row.getInt(2));
      }
      var copy = db.unwrap(PGConnection.class).getCopyAPI();
      say("copied", copy.copyIn("copy t from stdin with csv", new StringReader("1000,x\n1001,\n")));
      StringWriter out = new StringWriter();
      copy.copyOut("copy (select a, b from t where a >= 1000 order by a) to stdout with csv", out);
      say(out.toString().replace('\n', '|'));
      try (PreparedStatement returning = db.prepareStatement("insert into t values (2000, 'k')", new String[] {"a"})) {
        returning.executeUpdate();
        try (ResultSet keys = returning.getGeneratedKeys()) { keys.next(); say("key", keys.getInt(1)); }
      }
      try (Statement slow = db.createStatement()) {
        slow.setQueryTimeout(1); // a CancelRequest from the driver's timer
        slow.execute("select pg_sleep(20)");
      } catch (SQLException error) {
        say("cancelled", error.getSQLState());
      }
      try (Statement many = db.createStatement()) {
        boolean rows = many.execute("select 1; select 2; update t set b = 'm' where a < 3");
        int results = 0;
        while (rows || many.getUpdateCount() != -1) { results++; rows = many.getMoreResults(); }
        say("results", results);
      }
      try (Statement last = db.createStatement(); ResultSet row = last.executeQuery("select 40 + 2")) {
        row.next();
        say(row.getInt(1));
      }
    }
  }
}
