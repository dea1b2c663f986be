package retry

import "context"

// Receipt is what the server calls the last write of an operation. The client
// that sends the writes fills it in, so that it need not pass through everything
// between. It is not safe for concurrent use: an operation sends one request at a
// time.
type Receipt struct {
	RequestID string // of the answer; empty if there was none, or it names none
}

type receiptKey struct{}

// WithReceipt returns a context whose writes are noted in the receipt.
func WithReceipt(ctx context.Context, receipt *Receipt) context.Context {
	return context.WithValue(ctx, receiptKey{}, receipt)
}

// ReceiptOf returns the receipt of ctx, or one that nobody reads.
func ReceiptOf(ctx context.Context) *Receipt {
	if receipt, ok := ctx.Value(receiptKey{}).(*Receipt); ok {
		return receipt
	}
	return new(Receipt)
}
