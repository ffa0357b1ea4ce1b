// Package relay is the post office: mailboxes for sealed messages, and the rules
// over them. It knows what things mean, and neither how they are stored (package
// storage) nor what any client sends (the families under relay/api).
//
// # Nouns
//
// Seven nouns carry everything. Their verbs are methods of [Tx], so several in
// one closure are one commit:
//
//   - [Account]: somebody with a box; logins unique within a family, credentials,
//     devices with tokens, blocks. Removed, it leaves a stub.
//   - [Room]: where several accounts meet. A [Member] is one row, and access is
//     one look-up ([Tx.Access]). An open room has no members: knowing its id is
//     the right. A direct room is the one room of two accounts.
//   - [Box]: an append-only log. Every account, every room and the relay own one.
//     Two lanes share its clock: messages and events. An [Entry] is the same for
//     all families.
//   - [Mark]: what an account did to an entry (delivered, read, hid, reacted,
//     pinned, reported), and one cursor per account and box.
//   - [Records]: typed documents that a family keeps, with declared indexes.
//   - [Blob]: opaque bytes on disk, with quota, expiry and signed addresses.
//   - Timer ([Tx.SetTimer]): a core verb to run at a time, kept over restarts.
//
// and one bell, the [Hub]: a wake-up says "this box moved" and carries nothing,
// so whoever is slow reads again from its own cursor and loses nothing. Only what
// is not worth keeping travels in it, as a [Signal]. A [Feed] is what one session
// is told by it: everything in its account's box and its rooms', in order, once.
//
// # What carries what
//
//	                    secbot       sama              dishis               jetico               chatalot
//	operations log      –            events lanes read back, own account's and rooms', rendered for the reader
//	delete for one      –            Mark hidden       Mark hidden          –                    –
//	delete for all      –            Erase + event     Tombstone + event    Tombstone + event    Tombstone, erased after 30 days
//	receipts            –            Mark read         Mark delivered,seen  Mark delivered,read  cursor + event
//	unread, read up to  client's     cursor            –                    Mark + cursor        cursor, to 999
//	direct rooms        – (mailbox)  DirectRoom        DirectRoom           DirectRoom + alias   DirectRoom
//	groups              open Room    Room              Room                 Room + alias         Room below Rooms
//	communities         –            –                 Room > Inherit rooms –                    Room > Within > Inherit
//	pending joins       –            –                 Member pending       –                    –
//	session keys        –            –                 Record by member     Record by member     Record sender key
//	prekeys, once each  –            –                 –                    –                    Record, deleted as it is read
//	sent once           Once         Once              –                    alias + Once         –
//	scheduled posts     –            –                 Timer                –                    Timer
//	polls               –            –                 –                    –                    Record poll, Record vote
//	search              –            scans of the account's own rooms, in slices with a budget, outside transactions
//	big cascades        retention    –                 expiry               account removal      purge, close
//	                    all: unreachable in one commit, then a Timer deletes StepKeys keys at a time
//
// # Time
//
// Times of entries come from the commit clock: whatever is committed later, in
// any box, has a greater time than anything that any reader has seen, over
// restarts and over a clock set back; within a box no two are equal. So a reader
// keeps one number as its cursor. Limits in time (retention, timers, tokens) go
// by the wall clock.
//
// # Caveats
//
// A closure may run again: it changes nothing but its transaction. Who may do
// what is decided in the transaction that does it. Errors that clients may see
// are [Error]; everything else is internal, and its text stays in the log. No
// text of an error names an id, a token, or anything sealed.
package relay
