// Package dnswire reads and writes the parts of DNS messages: names, the header,
// the question and resource records (RFC 1035 section 4).
//
// It works on octets in memory and keeps no state. Every function that reads checks bounds
// and works on arbitrary input. Functions that append return the extended slice, as append
// does. Nothing allocates unless its comment says so. Its callers know what the records
// mean and which of them belong to an answer.
//
//	h, ok := dnswire.ParseHeader(msg)
//	q, ok := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
//	for at, n := q.End, h.ANCount; n > 0; n-- {
//		rr, ok := dnswire.ParseRecord(msg, at)
//		at = rr.End
//	}
package dnswire

// Types of records: RFC 1035, 2782, 3403, 3596, 4034, 4255, 5936, 6672, 6698, 6891, 7208, 7344,
// 8659, 8945, 9460.
const (
	TypeA       = 1
	TypeNS      = 2
	TypeCNAME   = 5
	TypeSOA     = 6
	TypePTR     = 12
	TypeHINFO   = 13
	TypeMX      = 15
	TypeTXT     = 16
	TypeAAAA    = 28
	TypeSRV     = 33
	TypeNAPTR   = 35
	TypeDNAME   = 39
	TypeOPT     = 41
	TypeDS      = 43
	TypeSSHFP   = 44
	TypeRRSIG   = 46
	TypeNSEC    = 47
	TypeDNSKEY  = 48
	TypeDHCID   = 49
	TypeNSEC3   = 50
	TypeTLSA    = 52
	TypeCDS     = 59
	TypeCDNSKEY = 60
	TypeSVCB    = 64
	TypeHTTPS   = 65
	TypeSPF     = 99
	TypeNXNAME  = 128 // RFC 9824: the name of an NSEC record does not exist
	TypeTKEY    = 249
	TypeTSIG    = 250
	TypeIXFR    = 251
	TypeAXFR    = 252
	TypeMAILB   = 253
	TypeMAILA   = 254
	TypeANY     = 255
	TypeCAA     = 257
)

// Classes: RFC 1035 section 3.2.4 and 3.2.5.
const (
	ClassIN   = 1
	ClassCH   = 3
	ClassNONE = 254 // RFC 2136 section 1.3
	ClassANY  = 255
)

// Response codes: RFC 1035, 2136, 6891 and 7873. Those above 15 need an OPT
// record for their upper bits.
const (
	RcodeNoError   = 0
	RcodeFormErr   = 1
	RcodeServFail  = 2
	RcodeNXDomain  = 3
	RcodeNotImp    = 4
	RcodeRefused   = 5
	RcodeYXDomain  = 6
	RcodeYXRRSet   = 7
	RcodeNXRRSet   = 8
	RcodeNotAuth   = 9
	RcodeNotZone   = 10
	RcodeBadVers   = 16
	RcodeBadCookie = 23
)
