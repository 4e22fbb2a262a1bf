import java.sql.*;

/** MariaDB's connector for Java loads a file of its own; prints what it sees. Arguments: URL, user, secret, file. */
public class MysqlLoad {
  public static void main(String[] args) throws Exception {
    try (Connection db = DriverManager.getConnection(args[0], args[1], args[2]); Statement s = db.createStatement()) {
      s.execute("delete from stock");
      String load = "load data local infile '" + args[3] + "' into table stock fields terminated by ','";
      System.out.println(s.executeUpdate(load));
      System.out.println(s.executeUpdate(load));
      ResultSet rows = s.executeQuery("select count(*), max(id) from stock");
      rows.next();
      System.out.println(rows.getInt(1) + " " + rows.getInt(2));
    }
  }
}
