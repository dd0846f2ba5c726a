"""Taking time: appointments, approval, holds, the waitlist, and the choice of a provider."""
