// What Java's own client sees through the gateway, over HTTP/2 and HTTP/1.1.
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Ask {
  public static void main(String[] args) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var file = new FileInputStream(System.getenv("CA"))) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    for (var version : HttpClient.Version.values()) {
      var client = HttpClient.newBuilder().sslContext(tls).version(version).build();
      for (var path : new String[] {"/echo", "/closed"}) {
        var request = HttpRequest.newBuilder(URI.create(System.getenv("BASE") + path))
            .header("Authorization", "Bearer " + System.getenv("TOKEN"))
            .header("Sallyport-Resource", "api")
            .POST(HttpRequest.BodyPublishers.ofString("body"))
            .build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.version() + " " + answer.statusCode() + " " + answer.body().contains("\"body\":\"body\""));
      }
    }
  }
}
