let subscriber = subscriber.with(super::statements::watch());
