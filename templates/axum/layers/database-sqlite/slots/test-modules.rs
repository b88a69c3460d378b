mod outage;
