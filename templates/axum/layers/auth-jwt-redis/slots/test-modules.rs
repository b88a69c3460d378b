mod ended_sessions;
