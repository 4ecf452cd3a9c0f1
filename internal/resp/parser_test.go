package resp

import (
	"strings"
	"testing"
)

func TestSmoke(t *testing.T) {
	in := "\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nSET a \"b c\"\r\n*0\r\n*1\r\n$12\r\nhello world!\r\n"
	for cut := 0; cut <= len(in); cut++ {
		var p Parser
		var got []string
		buf := []byte(in[:cut])
		rest := []byte(in[cut:])
		for {
			args, _, _, n, ok, err := p.Next(buf, nil, nil)
			if err != nil {
				t.Fatal(cut, err)
			}
			if ok {
				s := make([]string, len(args))
				for i := range args {
					s[i] = string(args[i])
				}
				got = append(got, strings.Join(s, "|"))
			}
			buf = buf[n:]
			if !ok {
				if rest == nil {
					break
				}
				buf, rest = append(buf[:len(buf):len(buf)], rest...), nil
			}
		}
		if s := strings.Join(got, ";"); s != "GET|k;SET|a|b c;hello world!" {
			t.Fatalf("cut %d: %s", cut, s)
		}
	}
}
