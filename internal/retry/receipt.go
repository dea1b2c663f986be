package retry

import "context"

// Receipt receives the server's ID of the last write of an operation. The client
// that sends the writes fills it in, so that the ID need not pass through every
// layer in between. It is not safe for concurrent use: an operation sends one
// request at a time.
type Receipt struct {
	RequestID string // of the response; empty if there was none, or it has none
}

type receiptKey struct{}

// WithReceipt returns a context whose writes are recorded in the receipt.
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
