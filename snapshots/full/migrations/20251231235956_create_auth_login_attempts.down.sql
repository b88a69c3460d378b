DROP TABLE auth_login_attempts;
