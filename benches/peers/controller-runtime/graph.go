package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// graph is Microsoft Graph, as far as a peer needs it: a token, and one request.
type graph struct {
	http     *http.Client
	origin   string
	tokenURL string
	form     url.Values

	lock    sync.Mutex
	token   string
	expires time.Time
}

// graphFromEnvironment takes everything from the environment, as in a Deployment.
func graphFromEnvironment() (*graph, error) {
	for _, name := range []string{"CA_FILE", "GRAPH", "AUTHORITY", "TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"} {
		if os.Getenv(name) == "" {
			return nil, fmt.Errorf("%s is not set", name)
		}
	}
	pem, err := os.ReadFile(os.Getenv("CA_FILE"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("CA_FILE holds no certificate")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	origin := os.Getenv("GRAPH")
	return &graph{
		http:     &http.Client{Transport: transport, Timeout: 30 * time.Second},
		origin:   origin,
		tokenURL: os.Getenv("AUTHORITY") + "/" + os.Getenv("TENANT_ID") + "/oauth2/v2.0/token",
		form: url.Values{
			"grant_type":    {"client_credentials"},
			"client_id":     {os.Getenv("CLIENT_ID")},
			"client_secret": {os.Getenv("CLIENT_SECRET")},
			"scope":         {origin + "/.default"},
		},
	}, nil
}

func (g *graph) bearer(ctx context.Context) (string, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	if time.Now().Before(g.expires) {
		return g.token, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.tokenURL, strings.NewReader(g.form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := g.accepted(request)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", err
	}
	g.token = answer.AccessToken
	g.expires = time.Now().Add(time.Duration(answer.ExpiresIn-300) * time.Second)
	return g.token, nil
}

// resetPasscode resets a phone's passcode.
func (g *graph) resetPasscode(ctx context.Context, device string) error {
	token, err := g.bearer(ctx)
	if err != nil {
		return err
	}
	address := g.origin + "/v1.0/deviceManagement/managedDevices/" + device + "/resetPasscode"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	_, err = g.accepted(request)
	return err
}

func (g *graph) accepted(request *http.Request) ([]byte, error) {
	answer, err := g.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("Graph answered %s", answer.Status)
	}
	return body, nil
}
