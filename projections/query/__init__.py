"""What every query needs: a snapshot, paging, text folding."""
