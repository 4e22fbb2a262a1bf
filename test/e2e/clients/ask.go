// What Go's net/http sees through the gateway, over HTTP/2 and HTTP/1.1. By hand: BASE=https://… CA=… TOKEN=… go run ask.go
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	pem, err := os.ReadFile(os.Getenv("CA"))
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, two := range []bool{true, false} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: two}
		client := &http.Client{Transport: transport}
		for _, path := range []string{"/echo", "/closed"} {
			request, _ := http.NewRequest("POST", os.Getenv("BASE")+path, io.NopCloser(strings.NewReader("body")))
			request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
			request.Header.Set("Sallyport-Resource", "api")
			answer, err := client.Do(request)
			if err != nil {
				panic(err)
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			fmt.Println(answer.Proto, answer.StatusCode, strings.Contains(string(body), `"body":"body"`))
		}
	}
}
