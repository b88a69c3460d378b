let subscriber = subscriber.with(super::statements::Watch);
