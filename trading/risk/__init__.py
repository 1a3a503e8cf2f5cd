"""What nothing can bypass. `cap` cuts wishes before orders exist; `approve` is the last function before a
venue.

1. Both use the same controls (`controls.allowed`) on the same totals; an approval can only keep, shrink or
deny.
2. Only `approve` makes and fills an `ApprovedOrder`; the venue's side accepts nothing else.
3. Sells always pass. A blocked state (halt, kill switch, unreconciled, stale) keeps entries out, never exits.
4. All of it is integer arithmetic: 10 * (peak - equity) >= peak is the test for 10 %.
"""
