"""What is booked: appointments, holds, the waitlist, and the calendar day that none may overlap on."""
