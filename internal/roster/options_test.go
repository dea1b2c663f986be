package roster_test

import (
	"strings"
	"testing"

	"xc-group-sync/internal/roster"
)

func TestParseDelimiter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]roster.Delimiter{
		"auto": 0, "comma": ',', ",": ',', "Semicolon": ';', ";": ';', "TAB": '\t', "\t": '\t', `\t`: '\t',
	} {
		if got, err := roster.ParseDelimiter(text); err != nil || got != want {
			t.Errorf("ParseDelimiter(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "|", "pipe", ",,", "colon", "\""} {
		if got, err := roster.ParseDelimiter(text); err == nil {
			t.Errorf("ParseDelimiter(%q) = %q, want an error", text, got)
		}
	}
}

func TestParseColumns(t *testing.T) {
	t.Parallel()
	ad := roster.Columns{"email": "EmailAddress", "groups": "MemberOf", "name": "DisplayName", "status": "Enabled"}
	with := func(what, title string) roster.Columns {
		columns := roster.Columns{what: title}
		for w, t := range ad {
			if w != what {
				columns[w] = t
			}
		}
		return columns
	}
	for name, tt := range map[string]struct {
		text string
		want roster.Columns
	}{
		"nothing":              {" ", nil},
		"all":                  {"email=Mail,groups=MemberOf,name=Name,status=Enabled", roster.Columns{"email": "Mail", "groups": "MemberOf", "name": "Name", "status": "Enabled"}},
		"some, case and blank": {" EMAIL = Work Mail , Groups=G ", roster.Columns{"email": "Work Mail", "groups": "G"}},
		"commas and signs":     {`"groups=a, b=c",email=e`, roster.Columns{"email": "e", "groups": "a, b=c"}},
		"none":                 {"status=,name=", roster.Columns{"status": "", "name": ""}},
		"a preset":             {"Active-Directory", ad},
		"all but one of it":    {"active-directory, email=mail", with("email", "mail")},
		"it without status":    {"active-directory,status=", with("status", "")},
		"the opposite":         {"status=! Suspended", roster.Columns{"status": "!Suspended"}},
		"unlocked":             {"status=Unlocked", roster.Columns{"status": "Unlocked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := roster.ParseColumns(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "columns", got, tt.want)
		})
	}
	for name, text := range map[string]string{
		"no pair":             "Mail",
		"an unknown preset":   "ldap,email=mail",
		"a preset at the end": "email=mail,okta",
		"an unknown column":   "email=Mail,groups=G,phone=P",
		"twice":               "email=Mail,email=Post",
		"no email":            "email=,groups=G",
		"no groups":           "groups=",
		"two lines":           "email=Mail\ngroups=G",
		"an empty pair":       "email=Mail,",
		"an open quote":       `"email=Mail`,
		"suspended":           "status=Suspended",
		"disabled, within":    "active-directory,status=AccountDisabled",
		"inactive":            "status=Inactive",
		"terminated":          "status=TERMINATED",
		"locked":              "status=is locked",
		"archived":            "status=archived",
		"deleted":             "status=Deleted Flag",
		"the opposite of":     "status=!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := roster.ParseColumns(text); err == nil {
				t.Errorf("ParseColumns(%q) = %v, want an error", text, got)
			}
		})
	}
}

// readColumns reads a roster with a value of the setting.
func readColumns(t *testing.T, columns, csv string) (string, map[string]string, map[string]string, keeps, []at) {
	t.Helper()
	parsed, err := roster.ParseColumns(columns)
	if err != nil {
		t.Fatal(err)
	}
	desired, err := roster.Read(strings.NewReader(csv), roster.Options{Columns: parsed})
	if err != nil {
		return err.Error(), nil, nil, keeps{}, nil
	}
	var problems []at
	for _, p := range desired.Findings {
		problems = append(problems, at{p.Line, p.Column, p.Kind.InvalidRow()})
	}
	return "", memberships(desired), people(desired), kept(desired), problems
}

func TestReadReadySets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		columns, csv        string
		memberships, people map[string]string
	}{
		"Active Directory, as PowerShell writes it": {
			"active-directory",
			`"EmailAddress","DisplayName","Enabled","MemberOf"` + "\r\n" +
				`"Ann@x.y","Ann Lee","True","CN=Ops\; Dev,OU=G,DC=x;CN=Net\, Berlin,OU=G,DC=x"` + "\r\n" +
				`"bob@x.y","Bob Ray","False","CN=Net\, Berlin,OU=G,DC=x"` + "\r\n",
			map[string]string{"ops-dev": "ann@x.y", "net-berlin": "ann@x.y"},
			map[string]string{"ann@x.y": "Ann Lee: active, named true", "bob@x.y": "Bob Ray: inactive, named true"},
		},
		"Entra ID, DNs made of its names": {
			"entra-id", "userPrincipalName,displayName,mail,accountEnabled,memberOf\nx,Ann Lee,ann@x.y,True,CN=Ops|CN=Dev\n",
			map[string]string{"ops": "ann@x.y", "dev": "ann@x.y"}, map[string]string{"ann@x.y": "Ann Lee: active, named true"},
		},
		"Okta": {
			"okta", "login,email,displayName,status,groups\nx,a@x.y,A,ACTIVE,CN=Ops\nx,b@x.y,B,Locked out,CN=Ops\nx,c@x.y,C,PASSWORD_EXPIRED,CN=Ops\nx,d@x.y,D,DEPROVISIONED,CN=Ops\n",
			map[string]string{"ops": "a@x.y b@x.y c@x.y"},
			map[string]string{"a@x.y": "A A: active, named true", "b@x.y": "B B: active, named true", "c@x.y": "C C: active, named true", "d@x.y": "D D: inactive, named true"},
		},
		"titles of one's own": {
			"email=Mail,groups=MemberOf,name=Name,status=Enabled", "Enabled;NAME; mail ;MemberOf\nyes;Ann Lee;a@x.y;CN=Ops,OU=G\n0;Bob;b@x.y;CN=Ops,OU=G\n",
			map[string]string{"ops": "a@x.y"}, map[string]string{"a@x.y": "Ann Lee: active, named true", "b@x.y": "Bob Bob: inactive, named true"},
		},
		"the others as in the standard": {
			"groups=MemberOf", "Email,MemberOf,Employee Status\na@x.y,CN=Ops,A\nb@x.y,CN=Ops,T\n",
			map[string]string{"ops": "a@x.y"}, map[string]string{"a@x.y": "a a: active, named false", "b@x.y": "b b: inactive, named false"},
		},
		"a column that says who is not active": {
			"status=!Suspended,groups=Groups,email=primaryEmail", "primaryEmail,Groups,suspended\na@x.y,CN=Ops,False\nb@x.y,CN=Ops,TRUE\n",
			map[string]string{"ops": "a@x.y"}, map[string]string{"a@x.y": "a a: active, named false", "b@x.y": "b b: inactive, named false"},
		},
		"a status that is not to count": {
			"status=", header + "a@x.y,,I,CN=Ops\n", map[string]string{"ops": "a@x.y"}, map[string]string{"a@x.y": "a a: active, named false"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure, memberships, people, held, problems := readColumns(t, tt.columns, tt.csv)
			same(t, "failure", failure, "")
			same(t, "memberships", memberships, tt.memberships)
			same(t, "people", people, tt.people)
			same(t, "held back", held, keeps{})
			same(t, "problems", problems, []at(nil))
		})
	}
}

func TestReadColumnsThatAreMissing(t *testing.T) {
	t.Parallel()
	for columns, csv := range map[string]string{
		"status=Enabled":            header + "a@x.y,,A,CN=Ops\n", // without it everybody would be active
		"name=Name":                 header + "a@x.y,,A,CN=Ops\n",
		"active-directory":          "EmailAddress,MemberOf,DisplayName\na@x.y,CN=Ops,A\n",
		"email=Mail":                header + "a@x.y,,A,CN=Ops\n",
		"email=Mail,status=Enabled": "Mail,Entitlement Display Name,Enabled,enabled\na@x.y,CN=Ops,True,False\n",
	} {
		if failure, _, _, _, _ := readColumns(t, columns, csv); !strings.Contains(failure, "missing column") && !strings.Contains(failure, "duplicate column") {
			t.Errorf("with %s: %q, want an error about the column", columns, failure)
		}
	}
}

func TestReadHoldsBackAStatusThatIsNotKnown(t *testing.T) {
	t.Parallel()
	const columns = "email=Mail,status=State"
	csv := "Mail,Entitlement Display Name,State\n" +
		"a@x.y,CN=Ops,active\n" +
		"b@x.y,CN=Ops|CN=New, on leave\n" + // 3
		"c@x.y,CN=Ops,\n" + // 4
		"d@x.y,CN=Ops,active\nD@x.y,CN=Dev,?\n" + // 6
		"e@x.y,CN=Ops,inactive\ne@x.y,CN=Ops,?\n" + // 8
		"bad,CN=Ops,?\n" + // 9: nobody to say it of
		"f@x.y,CN=Ops,?\nf@x.y,CN=Ops,!\nf@x.y,CN=Ops,#\n" + // 10 to 12
		"g@x.y,CN=Ops,inactive\ng@x.y,CN=Ops,?\ng@x.y,CN=Ops,active\n" + // 14, 15
		"h@x.y,CN=Ops," + strings.Repeat("é", 70) + "\n" // 16
	_, memberships, people, held, problems := readColumns(t, columns, csv)
	same(t, "memberships", memberships, map[string]string{"ops": "a@x.y", "new": "", "dev": ""})
	same(t, "people", people, map[string]string{
		"a@x.y": "a a: active, named false", "b@x.y": `b b: unclear "on leave", named false`, "c@x.y": `c c: unclear "", named false`,
		"d@x.y": `d d: unclear "?", named false`, "e@x.y": `e e: unclear "?", named false`, "f@x.y": `f f: unclear "!", named false`,
		"g@x.y": "g g: contradicted, named false", "h@x.y": `h h: unclear "` + strings.Repeat("é", 60) + `", named false`,
	})
	same(t, "problems", problems, []at{
		{3, "State", true}, {4, "State", true}, {6, "State", true}, {8, "State", true}, {9, "Mail", true},
		{10, "State", true}, {11, "State", true}, {12, "State", true}, {14, "State", true}, {15, "State", false}, {16, "State", true},
	})
	same(t, "held back", held, keeps{Users: true, Members: "dev new ops "})
}

func TestReadHoldsBackWhatIsNoDN(t *testing.T) {
	t.Parallel()
	csv := "EmailAddress,MemberOf,DisplayName,Enabled\n" +
		"a@x.y,\"CN=Ops,DC=x\",,True\n" +
		"b@x.y,Microsoft.ActiveDirectory.Management.ADPropertyValueCollection,,True\n" + // MemberOf as it is, unjoined
		"c@x.y,\"CN=Ops;DC=x\",,True\n" // not the end of a DN
	_, memberships, _, held, problems := readColumns(t, "active-directory", csv)
	same(t, "memberships", memberships, map[string]string{"ops": "a@x.y c@x.y"})
	same(t, "problems", problems, []at{{3, "MemberOf", true}, {4, "MemberOf", true}})
	same(t, "held back", held, keeps{Groups: true, People: "b@x.y c@x.y "})
}
