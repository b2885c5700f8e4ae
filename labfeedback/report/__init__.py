"""What is left of a visit when it is over: verdict, report, page for the patient, course over all visits."""
