// Package wiretest plays transcripts: stories told by named clients over real
// connections. One file is one story. It starts on a fresh relay, and fails at
// its first line that does not come true, with file and line, what came and
// what was wanted. A family whose table has an operation that no story reaches
// fails as well, so the table is the checklist.
//
// # Lines
//
// A line that begins with white space continues the one before it. `#` begins a
// comment at the start of a line. Everything else is a client's name and a mark:
//
//	alice> POST /receive {"userId":"$alice","authToken":"$key"}    asks over HTTP
//	alice< 200 {"object":"Notifications",...}                      and hears that
//	alice+ /ws                                                     opens a socket
//	alice> {"ping":1}                                              sends a message
//	alice< {"pong":1}                                              the next message is that
//	alice!                                                         nothing has come
//	alice-                                                         closes the socket
//	alice< closed 4001 "replaced"                                  the server closes it
//	! advance 25h                                                  a directive
//
// A request whose answer is not the next line goes on in the background: the
// player goes on as soon as the request really waits at the bell, and not
// before. A refused socket is answered like a request (`alice< 403 _`). What
// nobody expected, a message or an answer left over at the end, is a failure.
//
// `alice!` sends a ping and waits for its pong. The pong follows everything
// that was due to alice when it was sent (see wire.Socket), so nothing is waited
// for in vain and nothing comes late.
//
// A socket whose path has EIO= in it speaks Socket.IO by WebSocket. It waits at the
// bell once it has been let in, and its events have a form of their own:
//
//	alice+ /socket.io/?EIO=4&transport=websocket
//	alice< text "0{...}"
//	alice> text "40{\"token\":\"$key\"}"
//	alice< text "40{...}"
//	alice< event new_message {"messageId":"$m",...}
//	alice> event typing {"recipientId":"$bob"}
//
// # Requests
//
// Method and path, then headers as [Name: value], then the body, sent as it
// stands. `text "..."` is a body (or a message) in Go's syntax for strings, for
// what cannot be written otherwise; `bytes "..."` is a binary message. Anywhere
// in a request $x is the value of x, $(s*300) is s 300 times, and $$ is a dollar
// sign. A body is application/json unless a header says otherwise.
//
// # Expectations
//
// Status, headers as [Name: pattern], then one of
//
//	{...} or [...]     JSON: the same keys and values, in any order of keys
//	text "..."         that text; "..." in it stands for anything
//	empty              no body
//	_                  any body
//
// In JSON, _ is any value and ... as the last member of an object or array
// allows for more. $x in a string or in its place takes what is there the first
// time and must match later: "$x" binds a string, $x any value, "a-$x" a part. A
// key that begins with $x is the value of x, which must be bound by then.
// JSON is expected as application/json and text as text/plain unless a header
// says otherwise. A header that must be absent is written [Name: none].
//
// # Directives
//
//	! retention=1h max-body=1000     settings (Settings), before the first line of a client
//	! advance 25h                    the relay's clock goes on (or back: -1h)
//	! $a < $b < $c                   numbers rise
//	! $x = 5                         sets x
//	! $code = invite                 makes an invite for one registration
//	! $x = word ...                  what the family has added (Settings.Do)
//	! $code = code password          the latest one-time code for that purpose that waits to be shown
package wiretest
