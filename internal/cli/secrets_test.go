package cli_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"xc-group-sync/internal/actions"
	"xc-group-sync/internal/config"
	"xc-group-sync/internal/report"
	"xc-group-sync/internal/xc"
)

// echo answers every request with what a server says.
type echo struct {
	status int
	id     string
	body   string
}

func (e echo) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: e.status, Header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {e.id}},
		Body: io.NopCloser(strings.NewReader(e.body)), Request: r,
	}, nil
}

// quoted is a text in JSON.
func quoted(text string) string {
	document, _ := json.Marshal(text)
	return string(document)
}

// sites are where a text of a server is cut: after how many characters, and an
// answer that has the text there.
var sites = map[string]struct {
	limits []int
	answer func(text string) echo
}{
	"message":     {[]int{300, 1000}, func(text string) echo { return echo{400, "", `{"message":` + quoted(text) + `}`} }},
	"code":        {[]int{1000}, func(text string) echo { return echo{400, "", `{"message":"no","code":` + quoted(text) + `}`} }},
	"text":        {[]int{1000, 64 << 10}, func(text string) echo { return echo{400, "", text} }},
	"request ID":  {[]int{128}, func(text string) echo { return echo{400, text, `{"message":"no"}`} }},
	"doubled key": {[]int{50, 100, 1000}, func(text string) echo { return echo{200, "", `{` + quoted(text) + `:1,` + quoted(text) + `:2}`} }},
	"outer key": {[]int{50, 100}, func(text string) echo {
		return echo{200, "", `{` + quoted(text+strings.Repeat("B", 50)) + `:{"a":1,"a":2}}`}
	}},
	"end of an outer key": {[]int{50, 100}, func(text string) echo {
		return echo{200, "", `{` + quoted(strings.Repeat("B", 50)+text) + `:{"a":1,"a":2}}`}
	}},
	"long name":       {[]int{100, 1000}, func(text string) echo { return group(`"name":` + quoted(text+strings.Repeat("B", 1100))) }},
	"doubled name":    {[]int{100}, func(text string) echo { return group(`"name":` + quoted(text) + `},{"name":` + quoted(text)) }},
	"nameless member": {[]int{100}, func(text string) echo { return group(`"name":` + quoted(text) + `,"usernames":[""]`) }},
	"error of a group": {[]int{1000}, func(text string) echo {
		return group(`"name":"ops","error":{"message":` + quoted(text) + `}`)
	}},
	"error of the listing": {[]int{1000}, func(text string) echo { return echo{200, "", `{"error":{"message":` + quoted(text) + `}}`} }},
}

func group(members string) echo { return echo{200, "", `{"user_groups":[{` + members + `}]}`} }

// TestEchoesOfSecretsAreHidden wherever the text of a server is cut within one.
func TestEchoesOfSecretsAreHidden(t *testing.T) {
	t.Parallel()
	const token = `T0k/+&=a"\b1c2D3~4`
	var backslashes, entities strings.Builder
	for _, c := range token {
		fmt.Fprintf(&backslashes, `\u%04x`, c)
		fmt.Fprintf(&entities, `&#%d;`, c)
	}
	forms := map[string]string{
		"as it is": token, "hex": hex.EncodeToString([]byte(token)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(token))),
		"query": url.QueryEscape(token), "path": url.PathEscape(token), "HTML": html.EscapeString(token), "entities": entities.String(),
		"JSON": strings.Trim(quoted(token), `"`), "JSON with slashes": strings.ReplaceAll(strings.Trim(quoted(token), `"`), "/", `\/`), "code points": backslashes.String(),
	}
	for before := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte("xyz"[:before] + token))
		forms[fmt.Sprint("base64 after ", before)] = strings.TrimRight(text[(before*8+5)/6:], "=")
	}
	settings, _ := config.Load(config.Plan, []string{"--csv=x", "--tenant=acme"}, func(name string) string { return map[string]string{"XC_API_TOKEN": token}[name] })
	secrets := report.NewSecrets(settings.Secrets()...)
	s := report.Sanitizer{Secrets: secrets}
	event := filepath.Join(t.TempDir(), "event.json")
	write(t, event, `{"pull_request":{"number":7}}`)
	env := map[string]string{"GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_PATH": event, "GITHUB_EVENT_NAME": "issue_comment"}
	for name, site := range sites {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for notation, form := range forms {
				for _, limit := range site.limits {
					for n := 0; n <= min(len(form), limit); n += 1 + limit>>14 { // a long text is cut at every fifth character
						answer := site.answer(strings.Repeat("A", limit-n) + form + "CC")
						texts := []string{toldByTenant(t, answer, secrets)}
						if name == "message" {
							texts = append(texts, toldByGitHub(t, answer, secrets, env))
						}
						for _, text := range texts {
							shown := s.Line(text) + s.Prose(text)
							for i := range len(form) - 7 {
								if strings.Contains(shown, form[i:i+8]) {
									t.Fatalf("%s, of which %d characters are before %d: %q is in %q", notation, n, limit, form[i:i+8], shown)
								}
							}
						}
					}
				}
			}
		})
	}
}

func toldByTenant(t *testing.T, answer http.RoundTripper, secrets *report.Secrets) string {
	client := xc.New(xc.Options{BaseURL: "https://tenant.example", Transport: answer, Hide: secrets.Hide})
	groups, err := client.Groups(t.Context())
	if err != nil {
		return err.Error()
	}
	if len(groups) == 1 && groups[0].ReadError != "" {
		return groups[0].ReadError
	}
	t.Fatalf("the answer is neither an error nor has one: %v", groups)
	return ""
}

func toldByGitHub(t *testing.T, answer http.RoundTripper, secrets *report.Secrets, env map[string]string) string {
	github, err := actions.New(func(name string) string { return env[name] }, io.Discard).GitHub(actions.Options{Token: "ghs_1", PullRequest: 7, Transport: answer, Hide: secrets.Hide})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = github.PullRequest(t.Context()); err == nil {
		t.Fatal("no error")
	}
	return err.Error()
}
