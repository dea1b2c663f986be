package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	repository := "/repos/" + s.repository
	for pattern, route := range map[string]struct {
		needs Rights
		serve func(*http.Request, account) (int, any)
	}{
		"GET " + repository + "/issues/{number}/{id}":             {Read, s.getComments},
		"POST " + repository + "/issues/{number}/comments":        {Write, s.createComment},
		"PATCH " + repository + "/issues/comments/{id}":           {Write, s.patchComment},
		"GET " + repository + "/issues":                           {Read, s.listIssues},
		"POST " + repository + "/issues":                          {Write, s.createIssue},
		"PATCH " + repository + "/issues/{number}":                {Write, s.patchIssue},
		"GET " + repository + "/pulls/{number}":                   {Read, s.getPull},
		"GET " + repository + "/pulls/{number}/reviews":           {Read, s.listReviews},
		"GET " + repository + "/commits/{sha}/pulls":              {Read, s.listPulls},
		"GET " + repository + "/collaborators/{login}/permission": {Read, s.getPermission},
		"GET /user":     {None, s.getUser},
		"POST /graphql": {None, s.query},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			who, known := s.accounts[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
			switch {
			case !known:
				answer(w, r, http.StatusUnauthorized, refusal("Bad credentials"))
			case who.rights < route.needs:
				answer(w, r, http.StatusForbidden, refusal("Resource not accessible by integration"))
			default:
				status, body := route.serve(r, who)
				answer(w, r, status, body)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.unexpected = append(s.unexpected, r.Method+" "+r.URL.RequestURI())
		answer(w, r, http.StatusNotFound, refusal("Not Found"))
	})
	return mux
}

// ServeHTTP serves the API at the root, and as an Enterprise Server does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI())
	r = r.Clone(r.Context())
	uri := r.URL.RequestURI()
	r.URL.Path = strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api"), "/v3")
	s.check(r)
	for _, failure := range s.failures {
		if failure.Times > 0 && strings.HasPrefix(r.Method, failure.Method) && strings.Contains(uri, failure.Path) {
			failure.Times--
			failure.serve(w)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// check calls Check, and leaves the body to be read again.
func (s *Server) check(r *http.Request) {
	if s.Check == nil || r.URL.Path == "/graphql" {
		return
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	s.Check(r, body)
}

func (f *Failure) serve(w http.ResponseWriter) {
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
}

// broken returns the error of a connection that a handler broke.
func broken(serve func()) (err error) {
	defer func() {
		if recover() != nil {
			err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}
	}()
	serve()
	return nil
}

func refusal(message string, details ...string) any {
	errors := []map[string]string{}
	for _, detail := range details {
		errors = append(errors, map[string]string{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": detail})
	}
	return map[string]any{"message": message, "errors": errors, "documentation_url": "https://docs.github.com/rest"}
}

// page is one page of a listing.
type page struct {
	items []any
	more  bool
}

func answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if p, is := body.(page); is {
		if body = p.items; p.more {
			next := *r.URL
			query := next.Query()
			query.Set("page", strconv.Itoa(number(query.Get("page"), 1)+1))
			next.RawQuery = query.Encode()
			w.Header().Set("Link", fmt.Sprintf("<https://api.github.com%s>; rel=\"next\"", next.RequestURI()))
		}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

// paged returns the page that the request asks for.
func paged[T any](r *http.Request, all []T, show func(T) any) (int, any) {
	size := min(number(r.URL.Query().Get("per_page"), 30), 100)
	from := min((number(r.URL.Query().Get("page"), 1)-1)*size, len(all))
	to := min(from+size, len(all))
	p := page{items: []any{}, more: to < len(all)}
	for _, one := range all[from:to] {
		p.items = append(p.items, show(one))
	}
	return http.StatusOK, p
}

// text reads the texts of a request and refuses those that are too long.
func text(r *http.Request) (fields map[string]string, refused any) {
	if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
		return nil, refusal("Problems parsing JSON")
	}
	if utf8.RuneCountInString(fields["body"]) > 65_536 {
		return nil, refusal("Validation Failed", "Body is too long (maximum is 65536 characters)")
	}
	return fields, nil
}

func (s *Server) getUser(_ *http.Request, who account) (int, any) {
	if strings.HasSuffix(who.login, "[bot]") {
		return http.StatusForbidden, refusal("Resource not accessible by integration")
	}
	return http.StatusOK, user(who.login)
}

func user(login string) any {
	kind := "User"
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	return map[string]any{"login": login, "type": kind}
}

func (s *Server) getPermission(r *http.Request, _ account) (int, any) {
	permission, known := s.Writers[r.PathValue("login")]
	if !known {
		permission = "read"
	}
	return http.StatusOK, map[string]any{"permission": permission, "user": user(r.PathValue("login"))}
}

func (s *Server) getPull(r *http.Request, _ account) (int, any) {
	for _, pull := range s.pulls {
		if strconv.Itoa(pull.Number) == r.PathValue("number") {
			return http.StatusOK, s.showPull(pull)
		}
	}
	return http.StatusNotFound, refusal("Not Found")
}

func (s *Server) listPulls(r *http.Request, _ account) (int, any) {
	if s.Lag > 0 {
		s.Lag--
		return paged(r, nil, func(Pull) any { return nil })
	}
	pulls := slices.DeleteFunc(slices.Clone(s.pulls), func(p Pull) bool {
		return p.Commit != r.PathValue("sha") && p.Head != r.PathValue("sha")
	})
	return paged(r, pulls, func(p Pull) any {
		shown := s.showPull(p)
		delete(shown, "merged") // listings do not have these
		delete(shown, "merged_by")
		return shown
	})
}

func (s *Server) showPull(p Pull) map[string]any {
	head, state := s.repository, "open"
	if p.HeadFork != "" {
		head = p.HeadFork
	}
	if p.Commit != "" || p.Closed {
		state = "closed"
	}
	shown := map[string]any{
		"number": p.Number, "state": state, "merged": p.Commit != "", "merged_at": nil, "merge_commit_sha": nil, "user": user(p.Author),
		"head": map[string]any{"sha": p.Head, "repo": map[string]any{"full_name": head}},
		"base": map[string]any{"ref": p.Base, "repo": map[string]any{"full_name": p.Repository}},
	}
	if p.Commit != "" {
		shown["merge_commit_sha"], shown["merged_at"] = p.Commit, p.MergedAt.Format(time.RFC3339)
		shown["merged_by"] = nil
		if p.MergedBy != "" {
			shown["merged_by"] = user(p.MergedBy)
		}
	}
	return shown
}

func (s *Server) listReviews(r *http.Request, _ account) (int, any) {
	return paged(r, s.reviews[number(r.PathValue("number"), 0)], func(review Review) any {
		shown := map[string]any{"state": review.State, "commit_id": review.Commit, "submitted_at": review.At.Format(time.RFC3339), "user": nil}
		if review.Author != "" {
			shown["user"] = user(review.Author)
		}
		return shown
	})
}

// query answers the program's two queries.
func (s *Server) query(r *http.Request, who account) (int, any) {
	if s.NoGraphQL {
		return http.StatusNotFound, refusal("Not Found")
	}
	var asked struct {
		Query     string
		Variables map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return http.StatusBadRequest, refusal("Problems parsing JSON")
	}
	switch {
	case strings.Contains(asked.Query, "viewer{login}"):
		return http.StatusOK, map[string]any{"data": map[string]any{"viewer": user(who.login)}}
	case strings.Contains(asked.Query, "body isMinimized lastEditedAt editor{__typename login}"):
		return http.StatusOK, map[string]any{"data": map[string]any{"node": s.node(asked.Variables["id"])}}
	}
	s.unexpected = append(s.unexpected, "query "+asked.Query)
	return http.StatusOK, map[string]any{"data": nil, "errors": []any{map[string]string{"message": "there is no such field"}}}
}

// node returns what GraphQL shows of a comment; nil if there is none.
func (s *Server) node(id string) any {
	i := slices.IndexFunc(s.comments, func(c Comment) bool { return nodeID(c) == id })
	if i < 0 {
		return nil
	}
	c := s.comments[i]
	shown := map[string]any{"__typename": "IssueComment", "body": s.shown(c.Body), "isMinimized": c.Hidden, "lastEditedAt": nil, "editor": nil}
	if c.Editor == "" {
		return shown
	}
	shown["lastEditedAt"] = c.Updated.Format(time.RFC3339)
	if name, bot := strings.CutSuffix(c.Editor, "[bot]"); bot {
		shown["editor"] = map[string]string{"__typename": "Bot", "login": name}
	} else if c.Editor != Ghost {
		shown["editor"] = map[string]string{"__typename": "User", "login": c.Editor}
	}
	return shown
}

func nodeID(c Comment) string { return fmt.Sprintf("IC_%d", c.ID) }
